namespace Sessions.Tests;

/// <summary>Each operation's success. One that no benchmark measures has its test here, and not in the suite.</summary>
public sealed class OperationTests(Server server) : MeasuredOperationSuite(server), IClassFixture<Server>;
