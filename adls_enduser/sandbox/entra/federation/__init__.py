"""The responses of a federation server (AD FS) and of user realm discovery."""
