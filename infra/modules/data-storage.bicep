@description('The name of the storage account.')
param name string

@description('The name of the identity of the app.')
param identityName string

@description('A user who may read and write the tables; empty for nobody.')
param developerPrincipalId string

@description('The name of the Log Analytics workspace.')
param logsName string

@description('Whether reads of the tables are logged too.')
param logReads bool

@description('Whether to spread over availability zones.')
param zoneRedundant bool

@description('The virtual network that alone reaches the account; empty for all networks.')
param virtualNetworkName string

@description('The region.')
param location string

@description('The tags of every resource.')
param tags { *: string }

@description('The built-in role Storage Table Data Contributor.')
var storageTableDataContributor = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'

@description('Whether only the virtual network gets in.')
var private = !empty(virtualNetworkName)

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource logs 'Microsoft.OperationalInsights/workspaces@2026-03-01' existing = {
  name: logsName
}

@description('The sessions, participants and credentials of customers, apart from what the Functions host may own.')
resource account 'Microsoft.Storage/storageAccounts@2026-06-01' = {
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
      for table in ['sessions', 'participants', 'credentials']: {
        name: table
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

resource developTables 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(developerPrincipalId)) {
  scope: account
  name: guid(account.id, developerPrincipalId, storageTableDataContributor)
  properties: {
    principalId: developerPrincipalId
    principalType: 'User'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageTableDataContributor)
  }
}

// The only version that is not a preview is from 2016 and has no category groups and no destination types.
#disable-next-line use-recent-api-versions
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

@description('Where the tables are.')
output tableEndpoint string = account.properties.primaryEndpoints.table
