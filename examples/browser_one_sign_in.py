"""One sign-in in the browser, for account management and the file system.

If a browser can open here, the page opens. If not, open the address that is shown on any
machine, and paste the address at which that browser ends into this terminal.
"""

from azure.datalake.store import core
from azure.mgmt.datalake.store import DataLakeStoreAccountManagementClient

from adls_enduser import Browser, filesystem_token, management_credentials

TENANT = "contoso.onmicrosoft.com"
SUBSCRIPTION_ID = "c0ffee00-7e57-4c0a-9d0a-00000000beef"

strategy = Browser(tenant=TENANT)
credentials = management_credentials(mode=strategy)  # opens the page here ...
token = filesystem_token(mode=strategy)  # ... and not again
print("Signed in as", credentials.whoami().username)

client = DataLakeStoreAccountManagementClient(credentials, SUBSCRIPTION_ID)
for account in client.accounts.list():
    filesystem = core.AzureDLFileSystem(token, store_name=account.name)
    print(account.name, "has", len(filesystem.ls("/")), "entries")
