@export()
@description('A value, or what is used instead when it is empty.')
func valueOr(value string, byDefault string) string => empty(value) ? byDefault : value
