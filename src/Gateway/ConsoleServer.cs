using System.Net;

namespace Sessions.Gateway;

/// <summary>A web server that somebody starts on a console, configured by the environment and by arguments.</summary>
internal static class ConsoleServer
{
    /// <summary>Whether a server that listens on this host is reached from this machine alone.</summary>
    public static bool IsLocal(BindingAddress address)
        => address.IsUnixPipe || address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));

    /// <summary>The addresses of a setting.</summary>
    /// <exception cref="FormatException">There is none, or one is none.</exception>
    public static IReadOnlyList<BindingAddress> AddressesOf(string urls)
        => [.. Split(urls).Select(BindingAddress.Parse)];

    /// <summary>A builder with nothing more than the server, its configuration and a log on the console.</summary>
    public static WebApplicationBuilder CreateBuilder(string[] args, string defaultUrl)
    {
        // What the defaults add to this (files of settings that are watched, filters of hosts) would only make a start slower.
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Configuration.AddEnvironmentVariables("ASPNETCORE_").AddEnvironmentVariables().AddCommandLine(args);
        CheckUrls(builder.Configuration["urls"]);
        builder.WebHost.UseKestrelCore();
        builder.Logging
            .AddConfiguration(builder.Configuration.GetSection("Logging"))
            .AddFilter("Microsoft", LogLevel.Warning) // The framework logs URLs, which have tokens in them.
            .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical) // A failed start is told by StartAsync.
            .AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.UseUtcTimestamp = true;
                console.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";
            });
        if (builder.Configuration["urls"] is null)
            builder.WebHost.UseUrls(defaultUrl);
        return builder;
    }

    private static string[] Split(string urls) => urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static void CheckUrls(string? urls)
    {
        const string Advice = "Choose another address with --urls http://localhost:PORT.";
        try
        {
            foreach (var url in Split(urls ?? ""))
            {
                var address = BindingAddress.Parse(url);

                // What is no number is read as a part of the host.
                var isPort = address.Port is >= IPEndPoint.MinPort and <= IPEndPoint.MaxPort && address.Host.TrimStart('[').Count(character => character == ':') != 1;
                if (!address.IsUnixPipe && !isPort)
                    throw new GatewayException($"{url}: expected a port from 0 to {IPEndPoint.MaxPort}. {Advice}");
                if (address.Scheme.Equals("https", StringComparison.OrdinalIgnoreCase))
                    throw new GatewayException($"{url}: there is no certificate for https. Use http, and put a proxy that has one in front, for example Caddy.");
            }
        }
        catch (FormatException exception)
        {
            throw new GatewayException($"{exception.Message}. {Advice}");
        }
    }

    /// <summary>Starts the server, or stops what has started of it.</summary>
    /// <exception cref="GatewayException">It cannot start.</exception>
    public static async Task StartAsync(WebApplication app)
    {
        try
        {
            await app.StartAsync();
        }
        catch (Exception exception) when (exception is IOException or FormatException or InvalidOperationException)
        {
            // Without this the host takes the end of its background services for a failure, and logs it as critical.
            await app.StopAsync();
            throw new GatewayException($"{exception.Message} Choose another address with --urls http://localhost:PORT.");
        }
    }
}
