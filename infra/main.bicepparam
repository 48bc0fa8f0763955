using 'main.bicep'

// azd sets these two; every other one is set with: azd env set NAME VALUE
param environmentName = readEnvironmentVariable('AZURE_ENV_NAME')
param location = readEnvironmentVariable('AZURE_LOCATION')

// Only main.bicep knows which sizes there are.
param instanceMemoryMB = any(int(readEnvironmentVariable('SESSIONS_INSTANCE_MEMORY_MB', '2048')))
param maximumInstances = int(readEnvironmentVariable('SESSIONS_MAXIMUM_INSTANCES', '100'))
param alwaysReadyInstances = int(readEnvironmentVariable('SESSIONS_ALWAYS_READY_INSTANCES', '0'))
param zoneRedundant = bool(readEnvironmentVariable('SESSIONS_ZONE_REDUNDANT', 'false'))
param virtualNetwork = bool(readEnvironmentVariable('SESSIONS_VIRTUAL_NETWORK', 'false'))
param developerPrincipalId = readEnvironmentVariable('SESSIONS_DEVELOPER_PRINCIPAL_ID', '')
param alertEmail = readEnvironmentVariable('SESSIONS_ALERT_EMAIL', '')
param logTableReads = bool(readEnvironmentVariable('SESSIONS_LOG_TABLE_READS', 'false'))
param tableEndpoint = readEnvironmentVariable('SESSIONS_OTHER_TABLE_ENDPOINT', '')
