@export()
@description('A value, or the default if the value is empty.')
func valueOr(value string, byDefault string) string => empty(value) ? byDefault : value
