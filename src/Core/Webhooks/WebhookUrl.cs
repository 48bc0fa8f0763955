using System.Net;
using System.Net.Sockets;

namespace Sessions.Webhooks;

/// <summary>Resolves a name to its addresses. Tests provide their own resolver.</summary>
public delegate Task<IPAddress[]> NameResolver(string name, CancellationToken cancellation);

/// <summary>The URL of a receiver.</summary>
public static class WebhookUrl
{
    /// <summary>The longest URL, in characters.</summary>
    public const int MaxLength = 2_000;

    private static readonly TimeSpan TimeToResolve = TimeSpan.FromSeconds(3);

    /// <summary>Returns the reason for which a webhook must not have this URL, in one sentence, or null if it may.</summary>
    public static string? FindMistake(string text, WebhookOptions options)
    {
        var schemes = options.AllowHttp ? "https or http" : "https";
        if (text.Length > MaxLength)
            return $"expected at most {MaxLength} characters.";
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || !IsAllowed(url.Scheme, options) || url.Host.Length == 0)
            return $"expected an absolute {schemes} URL, for example https://HOST/PATH.";
        if (url.UserInfo.Length > 0)
            return "expected no user name and no password, because each message is signed instead.";
        if (url.Fragment.Length > 0 || text.Contains('#', StringComparison.Ordinal))
            return "expected no fragment, because a fragment is never sent.";

        return IPAddress.TryParse(url.IdnHost, out var address) && !options.Allows(address) ? Refusal(url.IdnHost) : null;
    }

    /// <summary>
    /// Also resolves the name and checks its addresses. A name that cannot be resolved is accepted, because it may exist later.
    /// </summary>
    public static async Task<string?> FindMistakeAsync(
        string text, WebhookOptions options, NameResolver resolve, CancellationToken cancellation)
    {
        if (FindMistake(text, options) is { } mistake)
            return mistake;

        var host = new Uri(text).IdnHost;
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(TimeToResolve);
        try
        {
            return (await resolve(host, timeout.Token)).Any(options.Allows) ? null : Refusal(host);
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            return null;
        }
    }

    private static bool IsAllowed(string scheme, WebhookOptions options)
        => scheme == Uri.UriSchemeHttps || (options.AllowHttp && scheme == Uri.UriSchemeHttp);

    private static string Refusal(string host)
        => $"{host} {(IPAddress.TryParse(host, out _) ? "is not a" : "has no")} public address, and webhooks are sent only to public addresses.";
}
