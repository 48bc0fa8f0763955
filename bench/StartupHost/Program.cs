using Microsoft.Extensions.Hosting;
using Sessions.StartupHost;

// What src/Functions/Program.cs composes, in a host that needs no Functions runtime: with --session=ID it starts, has the
// function GetSession answer once, and says so. Without, it is the same host with nothing in it.
var builder = Host.CreateApplicationBuilder(args);
var sessionId = builder.Configuration["session"];
if (sessionId is not null)
    Composition.AddTo(builder);

using var host = builder.Build();
await host.StartAsync();
if (sessionId is not null)
    await Composition.GetSessionAsync(host.Services, sessionId);

Console.WriteLine("answered");
await host.WaitForShutdownAsync();
