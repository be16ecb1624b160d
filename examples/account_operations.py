"""Create, list and delete a Data Lake Storage Gen1 account."""

from azure.mgmt.datalake.store import DataLakeStoreAccountManagementClient
from azure.mgmt.datalake.store.models import CreateDataLakeStoreAccountParameters

from adls_enduser import management_credentials

TENANT = "contoso.onmicrosoft.com"
SUBSCRIPTION_ID = "c0ffee00-7e57-4c0a-9d0a-00000000beef"
RESOURCE_GROUP = "analytics"
ACCOUNT = "anotherstore"

credentials = management_credentials(mode="device_code", tenant=TENANT)
client = DataLakeStoreAccountManagementClient(credentials, SUBSCRIPTION_ID)
accounts = client.accounts

# azure-mgmt-datalake-store 0.5.0 has create and delete, 1.1.0b1 begin_create and begin_delete.
create = getattr(accounts, "begin_create", None) or accounts.create
delete = getattr(accounts, "begin_delete", None) or accounts.delete

# The article's DataLakeStoreAccount(location=...) cannot set the location: there it is read-only.
parameters = CreateDataLakeStoreAccountParameters(location="eastus2")
account = create(RESOURCE_GROUP, ACCOUNT, parameters).result()
print("Created", account.name, "in", account.location)

print("There are:", *sorted(item.name for item in accounts.list()))

delete(RESOURCE_GROUP, ACCOUNT).result()
print("Deleted", ACCOUNT)
print("There are:", *sorted(item.name for item in accounts.list()))
