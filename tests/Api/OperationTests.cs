namespace Sessions.Tests;

/// <summary>The success of each operation. An operation that no benchmark measures has its test here instead of in the suite.</summary>
public sealed class OperationTests(Server server) : MeasuredOperationSuite(server), IClassFixture<Server>;
