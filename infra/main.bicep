targetScope = 'subscription'

@description('The name of the environment: the resource group is rg-NAME.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('The region of all resources: one that has the Flex Consumption plan (az functionapp list-flexconsumption-locations).')
@allowed([
  'australiaeast'
  'brazilsouth'
  'canadacentral'
  'centralindia'
  'centralus'
  'eastasia'
  'eastus'
  'eastus2'
  'francecentral'
  'germanywestcentral'
  'italynorth'
  'japaneast'
  'koreacentral'
  'northcentralus'
  'northeurope'
  'norwayeast'
  'southafricanorth'
  'southcentralus'
  'southeastasia'
  'southindia'
  'spaincentral'
  'swedencentral'
  'switzerlandnorth'
  'uaenorth'
  'uksouth'
  'ukwest'
  'westcentralus'
  'westeurope'
  'westus'
  'westus2'
  'westus3'
])
@metadata({ azd: { type: 'location' } })
param location string

@description('The memory of an instance in MB. An instance is charged by its memory for as long as it has requests.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('The most instances the app scales out to, and so a bound to what it can cost. The plan takes no fewer than 40.')
@minValue(40)
@maxValue(1000)
param maximumInstances int = 100

@description('Instances that are kept ready for requests and charged at all times. With none, nothing costs while idle, and the first call after a pause waits for a start. With zone redundancy, 1 means 2.')
@minValue(0)
@maxValue(100)
param alwaysReadyInstances int = 0

@description('Spread the app and its storage over availability zones. Keeps two instances ready, which are charged at all times. To be decided before the first deployment.')
param zoneRedundant bool = false

@description('A virtual network, with private endpoints for the storage accounts and the vault, which then take no calls from elsewhere.')
param virtualNetwork bool = false

@description('Give one principal access to the tables and queues, to manage credentials and webhooks: the one that deploys, unless developerPrincipalId names another.')
param developerAccess bool = true

@description('The object id of a user, group or service principal in Entra ID that gets the access of developerAccess; empty for the one that deploys.')
@maxLength(36)
param developerPrincipalId string = ''

@description('Where alerts go; empty for no alerts.')
@maxLength(254)
param alertEmail string = ''

@description('Also log every read of the tables, for an audit. There are more reads than calls of the API, and their log costs more than they do.')
param logTableReads bool = false

@description('The endpoint of another store with the Table API, such as Cosmos DB for Table, to use instead of the data account; empty for the data account.')
@maxLength(2048)
param tableEndpoint string = ''

@description('How long a session lives, as in 09:00:00; empty for the default of the app. README.md describes this and the other settings of the app.')
@maxLength(32)
param sessionLifetime string = ''

@description('How long a participant lives, as in 09:00:00; empty for the default of the app.')
@maxLength(32)
param participantLifetime string = ''

@description('The most participants in a session.')
@minValue(1)
@maxValue(98)
param participantsPerSession int = 20

@description('How long events are kept, as in 7.00:00:00; empty for the default of the app.')
@maxLength(32)
param eventRetention string = ''

@description('How long an idempotency key is remembered, as in 30.00:00:00; empty for the default of the app.')
@maxLength(32)
param idempotencyKeyLifetime string = ''

@description('How long a request may take, as in 00:00:25; empty for the default of the app.')
@maxLength(32)
param requestTimeout string = ''

@description('How many trusted proxies add an entry to X-Forwarded-For. Azure is the first, Azure Front Door would be the second.')
@minValue(1)
@maxValue(10)
param trustedProxies int = 1

@description('Whether webhooks may be sent by http, and not only by https.')
param webhooksAllowHttp bool = false

@description('Whether webhooks may be sent to private and loopback addresses.')
@allowed(['false', 'loopback', 'true'])
param webhooksAllowPrivateAddresses string = 'false'

@description('The collector that gets traces, metrics and logs by OTLP besides Application Insights; empty for none.')
@maxLength(2048)
param otlpEndpoint string = ''

@description('The protocol of the collector: grpc or http/protobuf; empty for the default of OpenTelemetry.')
@allowed(['', 'grpc', 'http/protobuf'])
param otlpProtocol string = ''

@description('The headers for the collector, as in api-key=VALUE; empty for none.')
@secure()
@maxLength(4096)
param otlpHeaders string = ''

@description('The name of the service in traces and metrics; empty for the name of the function app.')
@maxLength(256)
param otelServiceName string = ''

@description('Which requests are traced, as in microsoft.fixed_percentage; empty for all.')
@maxLength(64)
param otelTracesSampler string = ''

@description('The argument of the sampler, as in 0.1; empty for none.')
@maxLength(64)
param otelTracesSamplerArg string = ''

@description('Tells the names of one environment from those of all others.')
var unique = toLower(uniqueString(subscription().subscriptionId, environmentName, location))

@description('The names of all resources.')
var names = {
  app: 'func-sessions-${unique}'
  applicationInsights: 'appi-sessions-${unique}'
  dataStorage: 'stdata${unique}'
  hostStorage: 'sthost${unique}'
  identity: 'id-sessions-${unique}'
  logs: 'log-sessions-${unique}'
  plan: 'plan-sessions-${unique}'
  vault: 'kv-${unique}'
  virtualNetwork: 'vnet-sessions-${unique}'
}

@description('What azd knows the environment by.')
var tags = { 'azd-env-name': environmentName }

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  scope: group
  params: { name: names.identity, location: location, tags: tags }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  params: {
    logsName: names.logs
    applicationInsightsName: names.applicationInsights
    identityName: names.identity
    location: location
    tags: tags
  }
  dependsOn: [identity]
}

module network 'modules/network.bicep' = if (virtualNetwork) {
  scope: group
  params: { name: names.virtualNetwork, location: location, tags: tags }
}

module hostStorage 'modules/host-storage.bicep' = {
  scope: group
  params: {
    name: names.hostStorage
    identityName: names.identity
    logsName: names.logs
    zoneRedundant: zoneRedundant
    virtualNetworkName: virtualNetwork ? names.virtualNetwork : ''
    location: location
    tags: tags
  }
  dependsOn: [identity, monitoring, network]
}

module dataStorage 'modules/data-storage.bicep' = {
  scope: group
  params: {
    name: names.dataStorage
    identityName: names.identity
    developerPrincipalId: !developerAccess
      ? ''
      : empty(developerPrincipalId) ? deployer().objectId : developerPrincipalId
    logsName: names.logs
    logReads: logTableReads
    zoneRedundant: zoneRedundant
    virtualNetworkName: virtualNetwork ? names.virtualNetwork : ''
    location: location
    tags: tags
  }
  dependsOn: [identity, monitoring, network]
}

module vault 'modules/vault.bicep' = {
  scope: group
  params: {
    name: names.vault
    identityName: names.identity
    logsName: names.logs
    virtualNetworkName: virtualNetwork ? names.virtualNetwork : ''
    location: location
    tags: tags
  }
  dependsOn: [identity, monitoring, network]
}

// After everything else: what the app needs to start, and the roles to use it, are there before it is.
module app 'modules/app.bicep' = {
  scope: group
  params: {
    name: names.app
    planName: names.plan
    identityName: names.identity
    applicationInsightsName: names.applicationInsights
    hostStorageName: names.hostStorage
    tableEndpoint: empty(tableEndpoint) ? dataStorage.outputs.tableEndpoint : tableEndpoint
    queueEndpoint: dataStorage.outputs.queueEndpoint
    vaultName: names.vault
    settings: {
      Sessions__SessionLifetime: sessionLifetime
      Sessions__ParticipantLifetime: participantLifetime
      Sessions__ParticipantsPerSession: string(participantsPerSession)
      Sessions__EventRetention: eventRetention
      Sessions__IdempotencyKeyLifetime: idempotencyKeyLifetime
      Sessions__RequestTimeout: requestTimeout
      Sessions__TrustedProxies: string(trustedProxies)
      Sessions__Webhooks__AllowHttp: webhooksAllowHttp ? 'true' : 'false'
      Sessions__Webhooks__AllowPrivateAddresses: webhooksAllowPrivateAddresses
      OTEL_EXPORTER_OTLP_ENDPOINT: otlpEndpoint
      OTEL_EXPORTER_OTLP_PROTOCOL: otlpProtocol
      OTEL_SERVICE_NAME: otelServiceName
      OTEL_TRACES_SAMPLER: otelTracesSampler
      OTEL_TRACES_SAMPLER_ARG: otelTracesSamplerArg
    }
    otlpHeaders: otlpHeaders
    instanceMemoryMB: instanceMemoryMB
    maximumInstances: maximumInstances
    alwaysReadyInstances: alwaysReadyInstances
    zoneRedundant: zoneRedundant
    virtualNetworkName: virtualNetwork ? names.virtualNetwork : ''
    location: location
    tags: tags
  }
  dependsOn: [hostStorage, monitoring, vault]
}

module workbook 'modules/workbook.bicep' = {
  scope: group
  params: { applicationInsightsName: names.applicationInsights, location: location, tags: tags }
  dependsOn: [monitoring]
}

module alerts 'modules/alerts.bicep' = if (!empty(alertEmail)) {
  scope: group
  params: {
    email: alertEmail
    applicationInsightsName: names.applicationInsights
    dataStorageName: names.dataStorage
    location: location
    tags: tags
  }
  dependsOn: [dataStorage, monitoring]
}

@description('The region.')
output AZURE_LOCATION string = location

@description('The resource group.')
output AZURE_RESOURCE_GROUP string = group.name

@description('The name of the function app.')
output SERVICE_API_NAME string = names.app

@description('The URL of the API, before /v1.')
output SERVICE_API_URL string = app.outputs.url

@description('The table endpoint of the data account.')
output SESSIONS_TABLE_ENDPOINT string = dataStorage.outputs.tableEndpoint

@description('The name of the vault with the token signing key.')
output SESSIONS_VAULT_NAME string = names.vault
