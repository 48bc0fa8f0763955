using System.Globalization;
using System.Net;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.AspNetCore.Http;
using Sessions.Http;
using Sessions.LocalHost;
using Sessions.Model;

namespace Sessions.Tests.Generated;

/// <summary>No generated request causes a 5xx, an error that is not JSON, a change after a 4xx, or unbounded memory use.</summary>
public sealed class GeneratedRequestTests
{
    private static readonly int Count = int.Parse(
        Environment.GetEnvironmentVariable("GENERATED_REQUESTS") ?? "100000", CultureInfo.InvariantCulture);

    // By default always the same, so that a failure is most likely caused by a change.
    private static readonly ulong Seed = ulong.Parse(Environment.GetEnvironmentVariable("GENERATED_SEED") ?? "1", CultureInfo.InvariantCulture);

    /// <summary>The statuses that a hundred thousand requests return, each at least once.</summary>
    private static readonly int[] Reached = [200, 204, 304, 400, 401, 404, 405, 409, 411, 412, 413, 422, 429];

    [Fact]
    public void Every_generated_request_gets_a_valid_response()
    {
        using var server = new SimulatedServer();
        var answers = new SortedDictionary<HttpStatusCode, int>();
        TestContext.Current.TestOutputHelper!.WriteLine($"GENERATED_SEED={Seed}");

        Prop.ForAll(Arb.From(RequestGenerator.Requests), request =>
        {
            var (status, contentType, body, writes) = server.SendAsync(request).GetAwaiter().GetResult();
            answers[status] = answers.GetValueOrDefault(status) + 1;
            Check(status, contentType, body, writes);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(Count).WithReplay(new Replay(new Rnd(Seed), null)));

        TestContext.Current.TestOutputHelper!.WriteLine(string.Join(", ", answers.Select(answer => $"{(int)answer.Key}: {answer.Value}")));
        if (Count >= 100_000)
            Assert.Empty(Reached.Except(answers.Keys.Select(status => (int)status)));
    }

    [Theory]
    [InlineData("Content-Length", "65536", HttpStatusCode.BadRequest, 65536)]
    [InlineData("Content-Length", "65537", HttpStatusCode.RequestEntityTooLarge, 0)]
    [InlineData("Transfer-Encoding", "chunked", HttpStatusCode.LengthRequired, 0)]
    public async Task An_endless_body_is_read_only_up_to_its_Content_Length(string header, string value, HttpStatusCode status, int read)
    {
        var body = new EndlessStream();
        var http = new DefaultHttpContext();
        http.Request.Headers[header] = value;
        http.Request.Body = body;
        var request = new LocalHttpRequestData(new LocalFunctionContext(http), http.Request);

        var before = GC.GetAllocatedBytesForCurrentThread();
        var input = await request.ReadJsonAsync(NewSession.Read, CancellationToken.None);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal((status, read), (input.Refusal!.Status, body.Position));
        Assert.InRange(allocated, 0, 1024 * 1024);
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{\"tag\":")]
    [InlineData("{\"participants\":[")]
    [InlineData("{\"a\":[[],")]
    public async Task A_deeply_nested_body_takes_bounded_memory(string open)
    {
        var http = new DefaultHttpContext();
        http.Request.Body = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(open, RequestBody.MaxBytes / open.Length))));
        http.Request.ContentLength = http.Request.Body.Length;
        var request = new LocalHttpRequestData(new LocalFunctionContext(http), http.Request);

        var before = GC.GetAllocatedBytesForCurrentThread();
        var input = await request.ReadJsonAsync(NewSession.Read, CancellationToken.None);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(HttpStatusCode.BadRequest, input.Refusal?.Status);
        Assert.InRange(allocated, 0, 1024 * 1024);
    }

    private static void Check(HttpStatusCode status, string? contentType, string body, long writes)
    {
        Assert.InRange((int)status, 200, 499);
        if ((int)status < 400)
        {
            Assert.True(body.Length == 0 || JsonElement.Parse(body).ValueKind is JsonValueKind.Object or JsonValueKind.Array);
            return;
        }

        Assert.Equal("application/json", contentType);
        Assert.Equal(0, writes);
        var error = JsonElement.Parse(body);
        Assert.Equal((int)status, error.GetProperty("code").GetInt32());
        Assert.NotEmpty(error.GetProperty("error").GetString()!);
        Assert.Equal(error.GetProperty("error").GetString(), error.GetProperty("message").GetString());
        Assert.Equal(32, error.GetProperty("requestId").GetString()!.Length);
    }

    private sealed class EndlessStream : Stream
    {
        private long _position;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => _position;
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            buffer.Span.Fill((byte)' ');
            _position += buffer.Length;
            return new(buffer.Length);
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
