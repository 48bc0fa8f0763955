@description('The resource that the endpoint connects to.')
param targetId string

@description('The service of the resource: blob, table, queue or vault.')
param groupId string

@description('The private DNS zone that contains the address of the resource.')
param zoneName string

@description('The name of the endpoint.')
param name string

@description('The name of the virtual network.')
param virtualNetworkName string

@description('The region.')
param location string

@description('The tags of every resource.')
param tags { *: string }

resource subnet 'Microsoft.Network/virtualNetworks/subnets@2024-07-01' existing = {
  name: '${virtualNetworkName}/private-endpoints'
}

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' existing = {
  name: zoneName
}

resource endpoint 'Microsoft.Network/privateEndpoints@2024-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    subnet: { id: subnet.id }
    privateLinkServiceConnections: [
      { name: groupId, properties: { privateLinkServiceId: targetId, groupIds: [groupId] } }
    ]
  }

  resource address 'privateDnsZoneGroups' = {
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [{ name: groupId, properties: { privateDnsZoneId: zone.id } }]
    }
  }
}
