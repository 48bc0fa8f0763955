@description('The name of the Application Insights component.')
param applicationInsightsName string

@description('The region.')
param location string

@description('The tags of every resource.')
param tags { *: string }

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(applicationInsights.id, 'sessions')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Sessions'
    category: 'workbook'
    sourceId: applicationInsights.id
    serializedData: string(loadJsonContent('workbook.json'))
  }
}
