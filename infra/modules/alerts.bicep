@description('The email address for alerts.')
param email string

@description('The name of the Application Insights component.')
param applicationInsightsName string

@description('The name of the storage account with the tables.')
param dataStorageName string

@description('The region.')
param location string

@description('The tags of every resource.')
param tags { *: string }

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource dataStorage 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: dataStorageName
}

resource receivers 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'sessions'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'sessions'
    emailReceivers: [{ name: 'email', emailAddress: email, useCommonAlertSchema: true }]
  }
}

@description('Each query returns a row if the alert should fire, and no row otherwise.')
var queries = [
  {
    name: 'server-errors'
    title: 'Requests fail'
    description: 'In 15 minutes, at least 1 % of the requests and at least 5 requests got a 5xx response.'
    severity: 1
    query: '''
      requests
      | summarize total = sum(itemCount), failed = sumif(itemCount, toint(resultCode) >= 500)
      | where failed >= 5 and failed * 100 >= total
    '''
  }
  {
    name: 'latency'
    title: 'Requests are slow'
    description: 'In 15 minutes there were at least 20 requests, and one in twenty took longer than a second.'
    severity: 2
    query: '''
      requests
      | where name != 'Health'
      | summarize total = sum(itemCount), p95 = percentilew(duration, tolong(itemCount), 95)
      | where total >= 20 and p95 > 1000
    '''
  }
  {
    name: 'authentication-failures'
    title: 'Credentials are refused'
    description: 'In 15 minutes, at least 100 requests had missing or wrong credentials.'
    severity: 2
    query: '''
      customMetrics
      | where name == 'sessions.authentication.failures'
      | summarize failures = sum(valueSum)
      | where failures >= 100
    '''
  }
  {
    name: 'events-age'
    title: 'Events wait'
    description: 'A message of the queue sessions-events has waited for 5 minutes, so feeds and webhooks are late.'
    severity: 2
    query: '''
      customMetrics
      | where name == 'sessions.events.age'
      | summarize oldest = max(valueMax)
      | where oldest >= 300
    '''
  }
]

resource rules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for query in queries: {
    name: 'sessions-${query.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Sessions: ${query.title}'
      description: query.description
      severity: query.severity
      enabled: true
      scopes: [applicationInsights.id]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      autoMitigate: true
      criteria: {
        allOf: [
          {
            query: query.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: [receivers.id] }
    }
  }
]

resource throttling 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'sessions-storage-throttling'
  location: 'global'
  tags: tags
  properties: {
    description: 'In 15 minutes, Table Storage refused at least 10 calls because there were too many.'
    severity: 2
    enabled: true
    scopes: [dataStorage.id]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'throttled'
          metricName: 'Transactions'
          metricNamespace: 'Microsoft.Storage/storageAccounts'
          timeAggregation: 'Total'
          operator: 'GreaterThanOrEqual'
          threshold: 10
          dimensions: [
            {
              name: 'ResponseType'
              operator: 'Include'
              values: [
                'ClientAccountBandwidthThrottlingError'
                'ClientAccountRequestThrottlingError'
                'ClientThrottlingError'
                'ServerBusyError'
              ]
            }
          ]
        }
      ]
    }
    actions: [{ actionGroupId: receivers.id }]
  }
}
