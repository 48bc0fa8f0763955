using System.Net;

namespace Sessions.Gateway;

/// <summary>A web server that is started on a console and configured by environment variables and arguments.</summary>
internal static class ConsoleServer
{
    /// <summary>Whether a server that listens on this host can be reached only from this machine.</summary>
    public static bool IsLocal(BindingAddress address)
        => address.IsUnixPipe || address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));

    /// <summary>Parses the addresses in a setting.</summary>
    /// <exception cref="FormatException">There is no address, or one is not valid.</exception>
    public static IReadOnlyList<BindingAddress> AddressesOf(string urls)
        => [.. Split(urls).Select(BindingAddress.Parse)];

    /// <summary>Creates a builder with only the server, its configuration and console logging.</summary>
    public static WebApplicationBuilder CreateBuilder(string[] args, string defaultUrl)
    {
        // The default builder would add watched settings files and host filtering, which only slow down startup.
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Configuration.AddEnvironmentVariables("ASPNETCORE_").AddEnvironmentVariables().AddCommandLine(args);
        CheckUrls(builder.Configuration["urls"]);
        CheckLogLevels(builder.Configuration);
        builder.WebHost.UseKestrelCore();
        builder.Logging
            .AddConfiguration(builder.Configuration.GetSection("Logging"))
            .AddFilter("Microsoft", LogLevel.Warning) // The framework logs URLs, which contain tokens.
            .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical) // StartAsync reports a failed start.
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

                // A port that is not a number is parsed as part of the host.
                var isPort = address.Port is >= IPEndPoint.MinPort and <= IPEndPoint.MaxPort && address.Host.TrimStart('[').Count(character => character == ':') != 1;
                if (!address.IsUnixPipe && !isPort)
                    throw new GatewayException($"{url}: expected a port from 0 to {IPEndPoint.MaxPort}. {Advice}");
                if (address.Scheme.Equals("https", StringComparison.OrdinalIgnoreCase))
                    throw new GatewayException($"{url}: https needs a certificate, and this program has none. Use http, and put a proxy with a certificate in front of it, for example Caddy.");
            }
        }
        catch (FormatException exception)
        {
            throw new GatewayException($"{exception.Message}. {Advice}");
        }
    }

    private static void CheckLogLevels(ConfigurationManager configuration)
    {
        foreach (var (name, value) in configuration.GetSection("Logging").AsEnumerable())
        {
            if (name.Contains(":LogLevel:", StringComparison.OrdinalIgnoreCase) && value is { Length: > 0 } && !Enum.TryParse<LogLevel>(value, ignoreCase: true, out _))
                throw new GatewayException($"{Setting.AsTyped(configuration, name)}: expected {string.Join(", ", Enum.GetNames<LogLevel>()[..^1])} or None.");
        }
    }

    /// <summary>Starts the server. If that fails, stops the parts that have started.</summary>
    /// <exception cref="GatewayException">It cannot start.</exception>
    public static async Task StartAsync(WebApplication app)
    {
        try
        {
            await app.StartAsync();
        }
        catch (Exception exception)
        {
            // Otherwise the host would treat the end of its background services as a failure, and log it as critical.
            await app.StopAsync();
            if (exception is not (IOException or FormatException or InvalidOperationException))
                throw;
            throw new GatewayException($"{exception.Message} Choose another address with --urls http://localhost:PORT.");
        }
    }
}
