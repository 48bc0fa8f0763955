using Sessions.Gateway.Network;
using Sessions.Storage;

namespace Sessions.Gateway;

/// <summary>GET whether the gateway works: 200 when the media port is bound and storage has answered lately, otherwise 503.</summary>
internal sealed class GatewayHealth(MediaSockets media, SessionWatch watch, Tables tables, SessionsOptions options, TimeProvider time)
{
    // Two looks of the watch and more. Without devices there are none, and storage is asked.
    private static readonly TimeSpan Lately = TimeSpan.FromSeconds(2);

    // Of the credentials a gateway reads only whether a feed is on, and serves devices without.
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
