using System.Collections.Specialized;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Claims;

namespace Microsoft.Azure.Functions.Worker.Http;

/// <summary>Stands for the worker's type of this name.</summary>
public abstract class HttpRequestData(FunctionContext functionContext)
{
    /// <summary>The request's body.</summary>
    public abstract Stream Body { get; }

    /// <summary>The request's headers.</summary>
    public abstract HttpHeadersCollection Headers { get; }

    /// <summary>The request's cookies.</summary>
    public abstract IReadOnlyCollection<IHttpCookie> Cookies { get; }

    /// <summary>The request's absolute URL.</summary>
    public abstract Uri Url { get; }

    /// <summary>The identities that the host knows of.</summary>
    public abstract IEnumerable<ClaimsIdentity> Identities { get; }

    /// <summary>The HTTP method.</summary>
    public abstract string Method { get; }

    /// <summary>The invocation that this request started.</summary>
    public FunctionContext FunctionContext { get; } = functionContext;

    /// <summary>The query string's values.</summary>
    public virtual NameValueCollection Query => [];

    /// <summary>Creates the response to this request.</summary>
    public abstract HttpResponseData CreateResponse();
}

/// <summary>Stands for the worker's type of this name.</summary>
public abstract class HttpResponseData(FunctionContext functionContext)
{
    /// <summary>The status.</summary>
    public abstract HttpStatusCode StatusCode { get; set; }

    /// <summary>The response's headers.</summary>
    public abstract HttpHeadersCollection Headers { get; set; }

    /// <summary>The response's body.</summary>
    public abstract Stream Body { get; set; }

    /// <summary>The response's cookies.</summary>
    public abstract HttpCookies Cookies { get; }

    /// <summary>The invocation that this response completes.</summary>
    public FunctionContext FunctionContext { get; } = functionContext;
}

/// <summary>Stands for the worker's type of this name.</summary>
public sealed class HttpHeadersCollection : HttpHeaders;

/// <summary>Stands for the worker's type of this name.</summary>
public interface IHttpCookie;

/// <summary>Stands for the worker's type of this name.</summary>
public abstract class HttpCookies
{
    /// <summary>Adds a cookie.</summary>
    public abstract void Append(string name, string value);

    /// <summary>Adds a cookie.</summary>
    public abstract void Append(IHttpCookie cookie);

    /// <summary>Creates an empty cookie.</summary>
    public abstract IHttpCookie CreateNew();
}
