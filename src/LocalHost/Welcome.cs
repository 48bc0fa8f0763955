namespace Sessions.LocalHost;

/// <summary>What LocalHost says when it has started.</summary>
internal static class Welcome
{
    public static void Write(string address, Azurite? azurite)
    {
        var url = address.Replace("[::]", "localhost", StringComparison.Ordinal).Replace("0.0.0.0", "localhost", StringComparison.Ordinal);
        Console.WriteLine($$"""

            Sessions is listening. The base URL for your SDK: {{url}}/v1
            For a call, open {{url}}/call in two tabs.
            A first call, with account {{LocalCredential.Account}}, user {{LocalCredential.User}} and secret {{LocalCredential.Secret}}:

              curl -u {{LocalCredential.User}}:{{LocalCredential.Secret}} {{url}}/v1/accounts/{{LocalCredential.Account}}/sessions -H 'Content-Type: application/json' -d '{"tag":"first"}'

            """);
        if (azurite is not null)
        {
            // Azurite's account and key are well known, and it listens on this machine only.
            Console.WriteLine($"""
                Its storage, for the command line (src/Cli):

                  export Sessions__StorageConnectionString='{azurite.ConnectionString()}'

                """);
        }

        Console.WriteLine("Ctrl+C ends it.");
    }
}
