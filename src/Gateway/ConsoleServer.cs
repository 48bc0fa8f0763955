namespace Sessions.Gateway;

/// <summary>A web server that somebody starts on a console, configured by the environment and by arguments.</summary>
internal static class ConsoleServer
{
    /// <summary>A builder with nothing more than the server, its configuration and a log on the console.</summary>
    public static WebApplicationBuilder CreateBuilder(string[] args, string defaultUrl)
    {
        // What the defaults add to this (files of settings that are watched, filters of hosts) would only make a start slower.
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Configuration.AddEnvironmentVariables("ASPNETCORE_").AddEnvironmentVariables().AddCommandLine(args);
        builder.WebHost.UseKestrelCore();
        builder.Logging
            .AddConfiguration(builder.Configuration.GetSection("Logging"))
            .AddFilter("Microsoft", LogLevel.Warning) // The framework logs URLs, which have tokens in them.
            .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical) // A failed start is told by StartAsync.
            .AddSimpleConsole(console => console.SingleLine = true);
        if (builder.Configuration["urls"] is null)
            builder.WebHost.UseUrls(defaultUrl);
        return builder;
    }

    /// <summary>Starts the server.</summary>
    /// <exception cref="GatewayException">It cannot start.</exception>
    public static async Task StartAsync(WebApplication app)
    {
        try
        {
            await app.StartAsync();
        }
        catch (Exception exception) when (exception is IOException or FormatException or InvalidOperationException)
        {
            throw new GatewayException($"{exception.Message} Choose another address with --urls http://localhost:PORT.");
        }
    }
}
