"""End-user authentication with multi-factor authentication, for account management.

Microsoft's article does this with acquire_user_code, acquire_token_with_device_code and
AADTokenCredentials. The program shows a code, which the person enters in a browser.
"""

from azure.mgmt.datalake.store import DataLakeStoreAccountManagementClient

from adls_enduser import management_credentials

TENANT = "contoso.onmicrosoft.com"
SUBSCRIPTION_ID = "c0ffee00-7e57-4c0a-9d0a-00000000beef"

credentials = management_credentials(mode="device_code", tenant=TENANT)
client = DataLakeStoreAccountManagementClient(credentials, SUBSCRIPTION_ID)

print("Signed in as", credentials.whoami().username)
for account in client.accounts.list():
    print(account.name, "in", account.location)
