using 'main.bicep'

import { valueOr } from 'parameters.bicep'

// azd sets these two parameters. You set all others with: azd env set NAME VALUE
param environmentName = readEnvironmentVariable('AZURE_ENV_NAME')
param location = any(readEnvironmentVariable('AZURE_LOCATION'))

// A variable that is empty or not set means the default. any(), because only main.bicep knows the allowed values.
param instanceMemoryMB = any(int(valueOr(readEnvironmentVariable('SESSIONS_INSTANCE_MEMORY_MB', ''), '2048')))
param maximumInstances = int(valueOr(readEnvironmentVariable('SESSIONS_MAXIMUM_INSTANCES', ''), '100'))
param alwaysReadyInstances = int(valueOr(readEnvironmentVariable('SESSIONS_ALWAYS_READY_INSTANCES', ''), '0'))
param zoneRedundant = bool(valueOr(readEnvironmentVariable('SESSIONS_ZONE_REDUNDANT', ''), 'false'))
param virtualNetwork = bool(valueOr(readEnvironmentVariable('SESSIONS_VIRTUAL_NETWORK', ''), 'false'))
param developerAccess = bool(valueOr(readEnvironmentVariable('SESSIONS_DEVELOPER_ACCESS', ''), 'true'))
param developerPrincipalId = readEnvironmentVariable('SESSIONS_DEVELOPER_PRINCIPAL_ID', '')
param alertEmail = readEnvironmentVariable('SESSIONS_ALERT_EMAIL', '')
param logTableReads = bool(valueOr(readEnvironmentVariable('SESSIONS_LOG_TABLE_READS', ''), 'false'))
param tableEndpoint = readEnvironmentVariable('SESSIONS_OTHER_TABLE_ENDPOINT', '')

// The settings of the app.
param sessionLifetime = readEnvironmentVariable('SESSIONS_SESSION_LIFETIME', '')
param participantLifetime = readEnvironmentVariable('SESSIONS_PARTICIPANT_LIFETIME', '')
param participantsPerSession = int(valueOr(readEnvironmentVariable('SESSIONS_PARTICIPANTS_PER_SESSION', ''), '20'))
param eventRetention = readEnvironmentVariable('SESSIONS_EVENT_RETENTION', '')
param idempotencyKeyLifetime = readEnvironmentVariable('SESSIONS_IDEMPOTENCY_KEY_LIFETIME', '')
param requestTimeout = readEnvironmentVariable('SESSIONS_REQUEST_TIMEOUT', '')
param trustedProxies = int(valueOr(readEnvironmentVariable('SESSIONS_TRUSTED_PROXIES', ''), '1'))
param webhooksAllowHttp = bool(valueOr(readEnvironmentVariable('SESSIONS_WEBHOOKS_ALLOW_HTTP', ''), 'false'))
param webhooksAllowPrivateAddresses = any(valueOr(
  readEnvironmentVariable('SESSIONS_WEBHOOKS_ALLOW_PRIVATE_ADDRESSES', ''),
  'false'
))
param otlpEndpoint = readEnvironmentVariable('SESSIONS_OTLP_ENDPOINT', '')
param otlpProtocol = any(readEnvironmentVariable('SESSIONS_OTLP_PROTOCOL', ''))
param otlpHeaders = readEnvironmentVariable('SESSIONS_OTLP_HEADERS', '')
param otelServiceName = readEnvironmentVariable('SESSIONS_OTEL_SERVICE_NAME', '')
param otelTracesSampler = readEnvironmentVariable('SESSIONS_OTEL_TRACES_SAMPLER', '')
param otelTracesSamplerArg = readEnvironmentVariable('SESSIONS_OTEL_TRACES_SAMPLER_ARG', '')
