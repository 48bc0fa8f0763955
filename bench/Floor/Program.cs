// The upper limit of an HTTP server on this machine: it returns the same response to every request, with the size of a session.
var builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.ClearProviders();
var app = builder.Build();
var answer = System.Text.Encoding.UTF8.GetBytes($$"""{"id":"{{Guid.NewGuid()}}","tag":"a session of a benchmark"}""");
app.Run(async context =>
{
    context.Response.ContentType = "application/json";
    context.Response.ContentLength = answer.Length;
    await context.Response.Body.WriteAsync(answer, context.RequestAborted);
});
await app.RunAsync();
