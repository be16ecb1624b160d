"""End-user authentication without multi-factor authentication, for account management.

Microsoft's article does this with UserPassCredentials(user, password). The program asks for
the password.
"""

from azure.mgmt.datalake.store import DataLakeStoreAccountManagementClient

from adls_enduser import management_credentials

TENANT = "contoso.onmicrosoft.com"
USERNAME = "ada@contoso.onmicrosoft.com"
SUBSCRIPTION_ID = "c0ffee00-7e57-4c0a-9d0a-00000000beef"

credentials = management_credentials(mode="password", tenant=TENANT, username=USERNAME)
client = DataLakeStoreAccountManagementClient(credentials, SUBSCRIPTION_ID)

print("Signed in as", credentials.whoami().username)
for account in client.accounts.list():
    print(account.name, "in", account.location)
