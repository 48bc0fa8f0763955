using Microsoft.Extensions.Hosting;
using Sessions.StartupHost;

// This program composes the services of src/Functions/Program.cs in a host that needs no Functions runtime. With --session=ID it starts,
// calls the function GetSession once, and prints a line. Without the argument, it is the same host without services.
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
