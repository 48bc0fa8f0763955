targetScope = 'subscription'

@description('The name of the environment. The name of the resource group is rg-NAME.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('The region of all resources. It must have the Flex Consumption plan (az functionapp list-flexconsumption-locations).')
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

@description('The memory of an instance in MB. Azure charges for this memory while the instance has requests.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('The maximum number of instances, which also limits the cost. The plan requires at least 40.')
@minValue(40)
@maxValue(1000)
param maximumInstances int = 100

@description('The number of instances that are always ready and always charged. With 0, an idle app costs nothing, and the first request after a pause waits for a cold start. With zone redundancy, 1 means 2.')
@minValue(0)
@maxValue(100)
param alwaysReadyInstances int = 0

@description('Spread the app and its storage over availability zones. Azure then keeps two instances ready, which are always charged. Set it before the first deployment.')
param zoneRedundant bool = false

@description('Create a virtual network with private endpoints for the storage accounts and the vault, which then refuse all other connections.')
param virtualNetwork bool = false

@description('Give a principal access to the tables and queues, to manage credentials and webhooks. It is the principal that deploys, unless developerPrincipalId names a different one.')
param developerAccess bool = true

@description('The object id of the user, group or service principal in Entra ID that gets the access of developerAccess. Empty for the principal that deploys.')
@maxLength(36)
param developerPrincipalId string = ''

@description('The email address for alerts. Empty for no alerts.')
@maxLength(254)
param alertEmail string = ''

@description('Also log every read of the tables, for example for an audit. There are more reads than API requests, and logging a read costs more than the read.')
param logTableReads bool = false

@description('The endpoint of another store with the Table API, for example Cosmos DB for Table, to use instead of the data account. Empty for the data account.')
@maxLength(2048)
param tableEndpoint string = ''

@description('How long a session lives, for example 09:00:00. Empty for the default of the app. README.md describes this and the other settings of the app.')
@maxLength(32)
param sessionLifetime string = ''

@description('How long a participant lives, for example 09:00:00. Empty for the default of the app.')
@maxLength(32)
param participantLifetime string = ''

@description('The maximum number of participants in a session.')
@minValue(1)
@maxValue(98)
param participantsPerSession int = 20

@description('How long events are kept, for example 7.00:00:00. Empty for the default of the app.')
@maxLength(32)
param eventRetention string = ''

@description('How long an idempotency key is remembered, for example 30.00:00:00. Empty for the default of the app.')
@maxLength(32)
param idempotencyKeyLifetime string = ''

@description('How long a request may take, for example 00:00:25. Empty for the default of the app.')
@maxLength(32)
param requestTimeout string = ''

@description('The number of trusted proxies that append an entry to X-Forwarded-For. For example, 1 is Azure itself, and 2 also includes Azure Front Door.')
@minValue(1)
@maxValue(10)
param trustedProxies int = 1

@description('Whether webhooks may be sent by http, and not only by https.')
param webhooksAllowHttp bool = false

@description('Whether webhooks may be sent to private and loopback addresses.')
@allowed(['false', 'loopback', 'true'])
param webhooksAllowPrivateAddresses string = 'false'

@description('The collector that receives traces, metrics and logs by OTLP, in addition to Application Insights. Empty for none.')
@maxLength(2048)
param otlpEndpoint string = ''

@description('The protocol of the collector: grpc or http/protobuf. Empty for the default of OpenTelemetry.')
@allowed(['', 'grpc', 'http/protobuf'])
param otlpProtocol string = ''

@description('The headers for the collector, for example api-key=VALUE. Empty for none.')
@secure()
@maxLength(4096)
param otlpHeaders string = ''

@description('The name of the service in traces and metrics. Empty for the name of the function app.')
@maxLength(256)
param otelServiceName string = ''

@description('The sampler that selects the traced requests, for example microsoft.fixed_percentage. Empty to trace all requests.')
@maxLength(64)
param otelTracesSampler string = ''

@description('The argument of the sampler, for example 0.1. Empty for none.')
@maxLength(64)
param otelTracesSamplerArg string = ''

@description('Makes the names of this environment different from those of all other environments.')
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

@description('The tag by which azd finds the environment.')
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

// Last, so that the resources that the app needs to start, and the roles to use them, exist before the app.
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
