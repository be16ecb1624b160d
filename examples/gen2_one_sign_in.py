"""One sign-in for account management, Gen1 and Gen2: the code is shown once."""

from azure.datalake.store import core
from azure.mgmt.storage import StorageManagementClient
from azure.storage.filedatalake import DataLakeServiceClient

from adls_enduser import DeviceCode, filesystem_token, management_credentials, storage_credential

TENANT = "contoso.onmicrosoft.com"
SUBSCRIPTION_ID = "c0ffee00-7e57-4c0a-9d0a-00000000beef"
STORE = "mystore"

strategy = DeviceCode(tenant=TENANT)
credentials = management_credentials(mode=strategy)  # asks here ...
token = filesystem_token(mode=strategy)  # ... and not again
credential = storage_credential(mode=strategy)

store = core.AzureDLFileSystem(token, store_name=STORE)
print("Gen1:", STORE, "has", len(store.ls("/")), "entries")

with StorageManagementClient(credentials, SUBSCRIPTION_ID) as client:
    for account in client.storage_accounts.list():
        lake = DataLakeServiceClient(account.primary_endpoints.dfs, credential=credential)
        print("Gen2:", account.name, "has", [box.name for box in lake.list_file_systems()])
