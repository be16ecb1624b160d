"""One sign-in for account management and the file system: the code is shown once."""

from azure.datalake.store import core
from azure.mgmt.datalake.store import DataLakeStoreAccountManagementClient

from adls_enduser import DeviceCode, filesystem_token, management_credentials

TENANT = "contoso.onmicrosoft.com"
SUBSCRIPTION_ID = "c0ffee00-7e57-4c0a-9d0a-00000000beef"

strategy = DeviceCode(tenant=TENANT)
credentials = management_credentials(mode=strategy)  # asks here ...
token = filesystem_token(mode=strategy)  # ... and not again

client = DataLakeStoreAccountManagementClient(credentials, SUBSCRIPTION_ID)
for account in client.accounts.list():
    filesystem = core.AzureDLFileSystem(token, store_name=account.name)
    print(account.name, "has", len(filesystem.ls("/")), "entries")
