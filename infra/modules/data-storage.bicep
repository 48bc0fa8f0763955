@description('The name of the storage account.')
param name string

@description('The name of the identity of the app.')
param identityName string

@description('A principal that may read and write the tables and queues. Empty for nobody.')
param developerPrincipalId string

@description('The name of the Log Analytics workspace.')
param logsName string

@description('Whether reads of the tables are also logged.')
param logReads bool

@description('Whether to spread over availability zones.')
param zoneRedundant bool

@description('The only virtual network that can reach the account. Empty for all networks.')
param virtualNetworkName string

@description('The region.')
param location string

@description('The tags of every resource.')
param tags { *: string }

@description('The built-in role Storage Table Data Contributor.')
var storageTableDataContributor = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'

@description('The built-in role Storage Queue Data Contributor.')
var storageQueueDataContributor = '974c5e8b-45b9-4653-ba55-5f855dd0fb88'

@description('Whether only the virtual network can connect.')
var private = !empty(virtualNetworkName)

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource logs 'Microsoft.OperationalInsights/workspaces@2025-02-01' existing = {
  name: logsName
}

@description('The sessions, participants, credentials and events of customers, separate from the storage that the Functions host owns.')
resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS' }
  properties: {
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: private ? 'Disabled' : 'Enabled'
    networkAcls: { bypass: 'None', defaultAction: private ? 'Deny' : 'Allow' }
  }

  resource tables 'tableServices' = {
    name: 'default'

    resource table 'tables' = [
      for table in ['sessions', 'participants', 'credentials', 'events']: {
        name: table
      }
    ]
  }

  resource queues 'queueServices' = {
    name: 'default'

    resource queue 'queues' = [
      for queue in ['sessions-events', 'sessions-events-poison', 'sessions-webhooks', 'sessions-webhooks-poison']: {
        name: queue
      }
    ]
  }
}

resource useTables 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account
  name: guid(account.id, identity.id, storageTableDataContributor)
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageTableDataContributor)
  }
}

resource useQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account
  name: guid(account.id, identity.id, storageQueueDataContributor)
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageQueueDataContributor)
  }
}

// Without the type of the principal, because it can be a person, a group or the identity of a pipeline. It already exists.
resource developWithTables 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(developerPrincipalId)) {
  scope: account
  name: guid(account.id, developerPrincipalId, storageTableDataContributor)
  properties: {
    principalId: developerPrincipalId
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageTableDataContributor)
  }
}

resource developWithQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(developerPrincipalId)) {
  scope: account
  name: guid(account.id, developerPrincipalId, storageQueueDataContributor)
  properties: {
    principalId: developerPrincipalId
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageQueueDataContributor)
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: account::tables
  name: 'logs'
  properties: {
    workspaceId: logs.id
    logs: [
      { category: 'StorageRead', enabled: logReads }
      { category: 'StorageWrite', enabled: true }
      { category: 'StorageDelete', enabled: true }
    ]
  }
}

module endpoint 'private-endpoint.bicep' = if (private) {
  params: {
    name: 'pe-${name}-table'
    targetId: account.id
    groupId: 'table'
    zoneName: 'privatelink.table.${environment().suffixes.storage}'
    virtualNetworkName: virtualNetworkName
    location: location
    tags: tags
  }
}

module queueEndpoint 'private-endpoint.bicep' = if (private) {
  params: {
    name: 'pe-${name}-queue'
    targetId: account.id
    groupId: 'queue'
    zoneName: 'privatelink.queue.${environment().suffixes.storage}'
    virtualNetworkName: virtualNetworkName
    location: location
    tags: tags
  }
}

@description('The queue endpoint.')
output queueEndpoint string = account.properties.primaryEndpoints.queue

@description('The table endpoint.')
output tableEndpoint string = account.properties.primaryEndpoints.table
