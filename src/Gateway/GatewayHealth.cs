using Sessions.Gateway.Network;
using Sessions.Storage;

namespace Sessions.Gateway;

/// <summary>
/// Reports whether the gateway works. Returns 200 if the media port is bound and storage has responded recently, otherwise 503.
/// </summary>
internal sealed class GatewayHealth(MediaSockets media, SessionWatch watch, Tables tables, SessionsOptions options, TimeProvider time)
{
    // More than two periods of the watch. Without devices the watch reads nothing, and the health check reads storage itself.
    private static readonly TimeSpan Lately = TimeSpan.FromSeconds(2);

    // The credentials table is not checked. A gateway only reads from it whether a feed is on, and serves devices without it.
    private readonly TableCheck _check = new([tables.Sessions, tables.Participants], options, time);

    public async Task InvokeAsync(HttpContext http)
        => http.Response.StatusCode = media.Port != 0 && await HasStorageAsync(http.RequestAborted)
            ? StatusCodes.Status200OK
            : StatusCodes.Status503ServiceUnavailable;

    private async Task<bool> HasStorageAsync(CancellationToken cancellation)
    {
        if (watch.SinceAnswer <= Lately)
            return true;

        try
        {
            await _check.RunAsync(cancellation);
            return true;
        }
        catch (Exception exception) when (StorageFaults.IsTransient(exception))
        {
            return false;
        }
    }
}
