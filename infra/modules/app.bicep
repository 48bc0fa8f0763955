@description('The name of the function app.')
param name string

@description('The name of the plan.')
param planName string

@description('The name of the identity of the app.')
param identityName string

@description('The name of the Application Insights component.')
param applicationInsightsName string

@description('The name of the storage account of the Functions host.')
param hostStorageName string

@description('The table endpoint.')
param tableEndpoint string

@description('The queue endpoint of the data account.')
param queueEndpoint string

@description('The name of the vault with the token signing key.')
param vaultName string

@description('The settings of the app that you can choose, by name. An empty value means the default of the app.')
param settings { *: string }

@description('The headers for the OTLP collector. Empty for none.')
@secure()
param otlpHeaders string

@description('The memory of an instance in MB.')
param instanceMemoryMB int

@description('The maximum number of instances.')
param maximumInstances int

@description('The number of instances that are always ready.')
param alwaysReadyInstances int

@description('Whether to spread over availability zones.')
param zoneRedundant bool

@description('The virtual network from which the app makes its calls. Empty for none.')
param virtualNetworkName string

@description('The region.')
param location string

@description('The tags of every resource.')
param tags { *: string }

@description('With zone redundancy, the plan requires at least two always-ready instances.')
var readyInstances = zoneRedundant && alwaysReadyInstances > 0 ? max(2, alwaysReadyInstances) : alwaysReadyInstances

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource hostStorage 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: hostStorageName
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: { ...tags, 'azd-service-name': 'api' }
  kind: 'functionapp,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identity.id}': {} } }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    keyVaultReferenceIdentity: identity.id
    virtualNetworkSubnetId: empty(virtualNetworkName)
      ? null
      : resourceId('Microsoft.Network/virtualNetworks/subnets', virtualNetworkName, 'app')
    siteConfig: {
      ftpsState: 'Disabled'
      http20Enabled: true
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
    }
    functionAppConfig: {
      runtime: { name: 'dotnet-isolated', version: '10.0' }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostStorage.properties.primaryEndpoints.blob}deployments'
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identity.id }
        }
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstances
        alwaysReady: readyInstances == 0 ? [] : [{ name: 'http', instanceCount: readyInstances }]
      }
    }
  }

  // All settings of the app. A deployment removes every other setting.
  resource appSettings 'config' = {
    name: 'appsettings'
    properties: {
      Sessions__StorageTableEndpoint: tableEndpoint
      Sessions__StorageQueueUri: queueEndpoint
      SessionsStorage__queueServiceUri: queueEndpoint
      SessionsStorage__credential: 'managedidentity'
      SessionsStorage__clientId: identity.properties.clientId
      Sessions__TokenSigningKey: '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=token-signing-key)'
      Sessions__SessionLifetime: settings.Sessions__SessionLifetime
      Sessions__ParticipantLifetime: settings.Sessions__ParticipantLifetime
      Sessions__ParticipantsPerSession: settings.Sessions__ParticipantsPerSession
      Sessions__EventRetention: settings.Sessions__EventRetention
      Sessions__IdempotencyKeyLifetime: settings.Sessions__IdempotencyKeyLifetime
      Sessions__RequestTimeout: settings.Sessions__RequestTimeout
      Sessions__TrustedProxies: settings.Sessions__TrustedProxies
      Sessions__Webhooks__AllowHttp: settings.Sessions__Webhooks__AllowHttp
      Sessions__Webhooks__AllowPrivateAddresses: settings.Sessions__Webhooks__AllowPrivateAddresses
      AZURE_CLIENT_ID: identity.properties.clientId
      AzureWebJobsStorage__accountName: hostStorage.name
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identity.properties.clientId
      APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsights.properties.ConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'
      OTEL_EXPORTER_OTLP_ENDPOINT: settings.OTEL_EXPORTER_OTLP_ENDPOINT
      OTEL_EXPORTER_OTLP_PROTOCOL: settings.OTEL_EXPORTER_OTLP_PROTOCOL
      OTEL_EXPORTER_OTLP_HEADERS: otlpHeaders
      OTEL_SERVICE_NAME: settings.OTEL_SERVICE_NAME
      OTEL_TRACES_SAMPLER: settings.OTEL_TRACES_SAMPLER
      OTEL_TRACES_SAMPLER_ARG: settings.OTEL_TRACES_SAMPLER_ARG
    }
  }

  // In sequence, because App Service can refuse two parallel writes to one app with a conflict.
  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
    dependsOn: [appSettings]
  }

  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
    dependsOn: [ftp]
  }
}

@description('The URL of the app.')
output url string = 'https://${app.properties.defaultHostName}'
