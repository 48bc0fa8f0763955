@description('The name of the vault.')
param name string

@description('The name of the identity of the app.')
param identityName string

@description('The name of the Log Analytics workspace.')
param logsName string

@description('The only virtual network that can reach the vault. Empty for all networks.')
param virtualNetworkName string

@description('The region.')
param location string

@description('The tags of every resource.')
param tags { *: string }

@description('The first half of the key of this deployment. Each half has 122 random bits, and the key should have more than 128.')
@secure()
param firstHalf string = newGuid()

@description('The second half.')
@secure()
param secondHalf string = newGuid()

@description('The built-in role Key Vault Secrets User.')
var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e6'

@description('Whether only the virtual network can connect.')
var private = !empty(virtualNetworkName)

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource logs 'Microsoft.OperationalInsights/workspaces@2025-02-01' existing = {
  name: logsName
}

@description('No purge protection, because the vault contains only one key, which can be generated again. You can then delete the environment and create it again with the same name.')
resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 7
    publicNetworkAccess: private ? 'Disabled' : 'Enabled'
    networkAcls: { bypass: 'None', defaultAction: private ? 'Deny' : 'Allow' }
  }
}

// Each deployment generates a key, but only the key of the first deployment is stored. Resource Manager does not change an
// existing secret, so a later deployment neither invalidates live tokens nor reverts a rotation. Resource Manager uses its own
// interface to the vault, to which the network rules do not apply and which never shows the value.
@onlyIfNotExists()
resource tokenSigningKey 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'token-signing-key'
  tags: tags
  properties: {
    contentType: 'HS256 key'
    value: '${firstHalf}${secondHalf}'
  }
}

resource readSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, identity.id, keyVaultSecretsUser)
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsUser)
  }
}

// The only version that is not a preview is from 2016, and has no category groups and no destination types.
resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: vault
  name: 'logs'
  properties: {
    workspaceId: logs.id
    logs: [{ categoryGroup: 'audit', enabled: true }]
  }
}

module endpoint 'private-endpoint.bicep' = if (private) {
  params: {
    name: 'pe-${name}-vault'
    targetId: vault.id
    groupId: 'vault'
    zoneName: 'privatelink.vaultcore.azure.net'
    virtualNetworkName: virtualNetworkName
    location: location
    tags: tags
  }
}
