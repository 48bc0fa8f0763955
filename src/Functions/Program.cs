using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.Hosting;
using Sessions;

var builder = FunctionsApplication.CreateBuilder(args);
builder.Services.AddSessions(builder.Configuration);
await builder.Build().RunAsync();
