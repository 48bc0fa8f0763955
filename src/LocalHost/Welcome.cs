namespace Sessions.LocalHost;

/// <summary>The text that LocalHost prints after its start.</summary>
internal static class Welcome
{
    public static void Write(WebApplication app, Azurite? azurite, LocalAccess access)
    {
        var options = app.Services.GetRequiredService<SessionsOptions>();
        foreach (var line in options.DescribeTimes(DateTimeOffset.UtcNow))
            Console.WriteLine(line);

        // A secret that the user chose is not printed, because others may see the terminal or its log.
        var secret = access.ShownSecret;
        var url = app.Urls.First().Replace("[::]", "localhost", StringComparison.Ordinal).Replace("0.0.0.0", "localhost", StringComparison.Ordinal);
        Console.WriteLine($$"""

            Sessions is listening. The base URL for your SDK: {{url}}/v1
            Open {{url}} in a browser for first calls and the documents. Open {{url}}/call in two tabs for a call.
            A first call, with account {{LocalCredential.Account}}, user {{access.User}} and secret {{secret}}:

              curl -u {{access.User}}:{{secret}} {{url}}/v1/accounts/{{LocalCredential.Account}}/sessions -H 'Content-Type: application/json' -d '{"tag":"first"}'

            """);
        if (access is { IsKnown: true, IsOpenToNetwork: true })
        {
            Console.WriteLine($"""
                Everybody who can reach this machine over the network can use account {LocalCredential.Account} with local:local, and open the page /call.

                """);
        }

        if (azurite is not null)
        {
            // The connection string is not confidential: Azurite's account and key are well known, and it listens only on this machine.
            Console.WriteLine($"""
                To use its storage with the command line (src/Cli):

                  export Sessions__StorageConnectionString='{azurite.ConnectionString()}'

                """);
        }

        Console.WriteLine("Press Ctrl+C to stop.");
    }
}
