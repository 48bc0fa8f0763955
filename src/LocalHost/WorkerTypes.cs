using System.Collections.Specialized;
using System.Diagnostics;
using System.Net;
using System.Security.Claims;
using System.Web;
using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;

namespace Sessions.LocalHost;

/// <summary>The worker's invocation context over an HTTP context.</summary>
internal sealed class LocalFunctionContext(HttpContext http) : FunctionContext
{
    public override string InvocationId => http.TraceIdentifier;

    public override string FunctionId => throw new NotSupportedException();

    public override TraceContext TraceContext { get; } = new LocalTraceContext(Activity.Current);

    public override BindingContext BindingContext => throw new NotSupportedException();

    public override RetryContext RetryContext => throw new NotSupportedException();

    public override IServiceProvider InstanceServices
    {
        get => http.RequestServices;
        set => http.RequestServices = value;
    }

    public override FunctionDefinition FunctionDefinition => throw new NotSupportedException();

    public override IDictionary<object, object> Items { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override IInvocationFeatures Features => throw new NotSupportedException();

    public override CancellationToken CancellationToken => http.RequestAborted;
}

/// <summary>The worker's trace context over an activity.</summary>
internal sealed class LocalTraceContext(Activity? activity) : TraceContext
{
    public override string TraceParent => activity?.Id ?? "";

    public override string TraceState => activity?.TraceStateString ?? "";
}

/// <summary>The worker's request over an ASP.NET Core request.</summary>
internal sealed class LocalHttpRequestData(FunctionContext context, HttpRequest request) : HttpRequestData(context)
{
    private HttpHeadersCollection? _headers;

    public override Stream Body => request.Body;

    public override HttpHeadersCollection Headers => _headers ??= ReadHeaders(request);

    public override IReadOnlyCollection<IHttpCookie> Cookies => throw new NotSupportedException();

    // The URL does not use the host that the request names, because an HTTP/1.0 request need not name one, and a Host header may contain
    // text that is invalid in a URL.
    public override Uri Url => new(UriHelper.BuildAbsolute(
        request.Scheme, new("localhost"), request.PathBase, request.Path, request.QueryString));

    public override IEnumerable<ClaimsIdentity> Identities => request.HttpContext.User.Identities;

    public override string Method => request.Method;

    public override NameValueCollection Query => HttpUtility.ParseQueryString(request.QueryString.Value ?? "");

    public override HttpResponseData CreateResponse() => new LocalHttpResponseData(FunctionContext);

    private static HttpHeadersCollection ReadHeaders(HttpRequest request)
    {
        var headers = new HttpHeadersCollection();
        foreach (var (name, values) in request.Headers)
        {
            if (values.Count == 1)
                headers.TryAddWithoutValidation(name, (string?)values);
            else
                headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }

        // The front end of Azure also adds this header.
        headers.TryAddWithoutValidation("X-Forwarded-For", request.HttpContext.Connection.RemoteIpAddress?.ToString());
        return headers;
    }
}

/// <summary>A response that is buffered in memory, as in the worker.</summary>
internal sealed class LocalHttpResponseData(FunctionContext context) : HttpResponseData(context)
{
    public override HttpStatusCode StatusCode { get; set; } = HttpStatusCode.OK;

    public override HttpHeadersCollection Headers { get; set; } = [];

    public override Stream Body { get; set; } = new MemoryStream();

    public override HttpCookies Cookies => throw new NotSupportedException();
}
