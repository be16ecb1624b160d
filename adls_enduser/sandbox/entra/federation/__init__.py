"""What a federation server (AD FS) and Entra ID's user realm answer: WS-Trust, MEX, realm."""
