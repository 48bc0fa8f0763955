// What an HTTP server on this machine can do at most: the same answer to everything, of the size of a session's.
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
