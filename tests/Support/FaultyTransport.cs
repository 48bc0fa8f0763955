using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using Azure;
using Azure.Core;
using Azure.Core.Pipeline;

namespace Sessions.Tests;

/// <summary>The fault of one storage call.</summary>
public enum StorageFault
{
    None,

    /// <summary>The connection is refused, and nothing is sent.</summary>
    Refused,

    /// <summary>The connection is reset before the request is sent.</summary>
    ResetBefore,

    /// <summary>The connection is reset after the request was applied, so its response is lost.</summary>
    ResetAfter,

    /// <summary>Returns 500, and nothing is applied.</summary>
    ErrorBefore,

    /// <summary>Returns 500 after the request was applied.</summary>
    ErrorAfter,

    /// <summary>Returns 503 with Retry-After, and nothing is applied.</summary>
    Busy,

    /// <summary>No response for 30 seconds, and nothing is applied.</summary>
    SilentBefore,

    /// <summary>No response for 30 seconds after the request was applied.</summary>
    SilentAfter,

    /// <summary>The response is slow.</summary>
    Slow,

    /// <summary>No response, and the request is applied after the caller has given up.</summary>
    Late,
}

/// <summary>Calls storage over another transport, with fault injection for the faults of the network and the service.</summary>
public sealed class FaultyTransport(HttpPipelineTransport inner) : HttpPipelineTransport
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan SlowAnswer = TimeSpan.FromMilliseconds(300);

    private readonly ConcurrentDictionary<Task, bool> _late = new();

    /// <summary>Chooses the fault of a call, unless a policy has already set the property <see cref="StorageFault"/>.</summary>
    public Func<Request, StorageFault> Choose { get; set; } = _ => StorageFault.None;

    /// <summary>The delay of a late request after its caller has given up.</summary>
    public Func<Task> Lateness { get; set; } = () => Task.Delay(Random.Shared.Next(1000));

    /// <summary>The delay of a slow response.</summary>
    public Func<Task> Slowness { get; set; } = () => Task.Delay(SlowAnswer);

    /// <summary>Completes when every request that is late so far has been applied or refused.</summary>
    public Task LateOnesAsync() => Task.WhenAll(_late.Keys);

    public override Request CreateRequest() => inner.CreateRequest();

    public override void Process(HttpMessage message) => throw new NotSupportedException("Everything is asynchronous.");

    public override async ValueTask ProcessAsync(HttpMessage message)
    {
        switch (message.TryGetProperty(nameof(StorageFault), out var chosen) ? (StorageFault)chosen! : Choose(message.Request))
        {
            case StorageFault.Refused:
                throw Failure(HttpRequestError.ConnectionError, new SocketException((int)SocketError.ConnectionRefused));
            case StorageFault.ResetBefore:
                throw Reset();
            case StorageFault.ResetAfter:
                await inner.ProcessAsync(message);
                throw Reset();
            case StorageFault.ErrorBefore:
                message.Response = new Fault(500, "InternalError", message.Request.ClientRequestId);
                break;
            case StorageFault.ErrorAfter:
                await inner.ProcessAsync(message);
                message.Response.Dispose();
                message.Response = new Fault(500, "OperationTimedOut", message.Request.ClientRequestId);
                break;
            case StorageFault.Busy:
                message.Response = new Fault(503, "ServerBusy", message.Request.ClientRequestId, retryAfter: "1");
                break;
            case StorageFault.SilentBefore:
                await Task.Delay(Silence, message.CancellationToken);
                throw Reset();
            case StorageFault.SilentAfter:
                await Track(SendAsync(await CopyAsync(message.Request)));
                await Task.Delay(Silence, message.CancellationToken);
                throw Reset();
            case StorageFault.Slow:
                await Slowness().WaitAsync(message.CancellationToken);
                await inner.ProcessAsync(message);
                break;
            case StorageFault.Late:
                var copy = await CopyAsync(message.Request);
                try
                {
                    await Task.Delay(Silence, message.CancellationToken);
                    throw Reset();
                }
                finally
                {
                    _ = Track(SendLateAsync(copy));
                }

            default:
                await inner.ProcessAsync(message);
                break;
        }
    }

    private Task Track(Task late)
    {
        _late[late] = true;
        _ = late.ContinueWith(_ => _late.TryRemove(late, out var _), TaskScheduler.Default);
        return late;
    }

    private async Task SendLateAsync(Request request)
    {
        await Lateness();
        await SendAsync(request);
    }

    /// <summary>Sends a request that its caller cannot cancel.</summary>
    private async Task SendAsync(Request request)
    {
        using var message = new HttpMessage(request, new ResponseClassifier());
        try
        {
            await inner.ProcessAsync(message);
        }
        catch (RequestFailedException)
        {
            // Storage no longer exists.
        }
    }

    private async Task<Request> CopyAsync(Request request)
    {
        var copy = inner.CreateRequest();
        copy.Method = request.Method;
        copy.Uri.Reset(request.Uri.ToUri());
        foreach (var header in request.Headers)
            copy.Headers.Add(header);
        if (request.Content is not null)
        {
            using var content = new MemoryStream();
            await request.Content.WriteToAsync(content, CancellationToken.None);
            copy.Content = RequestContent.Create(content.ToArray());
        }

        return copy;
    }

    private static RequestFailedException Reset()
        => Failure(HttpRequestError.ResponseEnded, new IOException("Reset.", new SocketException((int)SocketError.ConnectionReset)));

    // In the form of Azure.Core's transport.
    private static RequestFailedException Failure(HttpRequestError error, Exception cause)
        => new(cause.Message, new HttpRequestException(error, cause.Message, cause));

    private sealed class Fault(int status, string code, string clientRequestId, string? retryAfter = null) : Response
    {
        private readonly HttpHeader[] _headers =
        [
            new("Content-Type", "application/json"),
            new("x-ms-error-code", code),
            .. retryAfter is null ? [] : new HttpHeader[] { new("Retry-After", retryAfter) },
        ];

        public override int Status => status;

        public override string ReasonPhrase => code;

        public override Stream? ContentStream { get; set; } = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(
            $$"""{"odata.error": {"code": "{{code}}", "message": {"lang": "en-US", "value": "internal text"} } }"""));

        public override string ClientRequestId { get; set; } = clientRequestId;

        public override void Dispose()
        {
        }

        protected override bool ContainsHeader(string name) => TryGetHeader(name, out _);

        protected override IEnumerable<HttpHeader> EnumerateHeaders() => _headers;

        protected override bool TryGetHeader(string name, [NotNullWhen(true)] out string? value)
        {
            value = Array.Find(_headers, header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;
            return value is not null;
        }

        protected override bool TryGetHeaderValues(string name, [NotNullWhen(true)] out IEnumerable<string>? values)
        {
            values = TryGetHeader(name, out var value) ? [value] : null;
            return values is not null;
        }
    }
}
