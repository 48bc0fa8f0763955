using System.Net;
using System.Security.Claims;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Sessions.Endpoints;

namespace Sessions.StartupHost;

/// <summary>The function app in a generic host, with one call of a function.</summary>
internal static class Composition
{
    public static void AddTo(HostApplicationBuilder builder)
        => builder.Services.AddSessions(builder.Configuration).AddSessionsTelemetry(builder.Configuration);

    /// <summary>Reads the session with LocalHost's default credential.</summary>
    public static async Task GetSessionAsync(IServiceProvider services, string sessionId)
    {
        var request = new GetRequest(new Context(services));
        request.Headers.Add("Authorization", $"Basic {Convert.ToBase64String("local:local"u8)}");
        var response = await ActivatorUtilities.CreateInstance<GetSession>(services).Run(request, "9900000", sessionId);
        if (response.StatusCode != HttpStatusCode.OK)
            throw new InvalidOperationException($"GetSession answered {response.StatusCode}.");
    }

    private sealed class GetRequest(FunctionContext context) : HttpRequestData(context)
    {
        public override Stream Body => Stream.Null;

        public override HttpHeadersCollection Headers { get; } = [];

        public override IReadOnlyCollection<IHttpCookie> Cookies => [];

        public override Uri Url => new("http://localhost");

        public override IEnumerable<ClaimsIdentity> Identities => [];

        public override string Method => "GET";

        public override HttpResponseData CreateResponse() => new BufferedResponse(FunctionContext);
    }

    private sealed class BufferedResponse(FunctionContext context) : HttpResponseData(context)
    {
        public override HttpStatusCode StatusCode { get; set; }

        public override HttpHeadersCollection Headers { get; set; } = [];

        public override Stream Body { get; set; } = new MemoryStream();

        public override HttpCookies Cookies => throw new NotSupportedException();
    }

    private sealed class Context(IServiceProvider services) : FunctionContext
    {
        public override string InvocationId => "";

        public override string FunctionId => "";

        public override TraceContext TraceContext { get; } = new NoTrace();

        public override BindingContext BindingContext => throw new NotSupportedException();

        public override RetryContext RetryContext => throw new NotSupportedException();

        public override IServiceProvider InstanceServices { get; set; } = services;

        public override FunctionDefinition FunctionDefinition => throw new NotSupportedException();

        public override IDictionary<object, object> Items { get; set; } = new Dictionary<object, object>();

        public override IInvocationFeatures Features => throw new NotSupportedException();
    }

    private sealed class NoTrace : TraceContext
    {
        public override string TraceParent => "";

        public override string TraceState => "";
    }
}
