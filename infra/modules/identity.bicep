@description('The name of the identity.')
param name string

@description('The region.')
param location string

@description('The tags of every resource.')
param tags { *: string }

@description('The identity of the app. No other principal has a role, except the developer if there is one.')
resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}
