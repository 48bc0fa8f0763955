using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace Sessions.LocalHost;

/// <summary>
/// The page <c>/call</c>, which adds everyone who opens it to one session. This class also acts as the server of such a program: it calls
/// the API over HTTP with the local credential, as a customer's server does.
/// </summary>
internal sealed class CallPage(LocalAccess access) : IDisposable
{
    private static readonly string Folder = LocalData.FindFolder("call", AppContext.BaseDirectory);

    private static readonly string Bundle = Path.Combine(Folder, "node_modules", "page.js");

    private readonly HttpClient _api = new();
    private readonly SemaphoreSlim _alone = new(1);
    private string? _sessionId;
    private bool _isBundled;

    /// <summary>Serves the page. Passes other requests to <paramref name="next"/>.</summary>
    public Task InvokeAsync(HttpContext http, RequestDelegate next) => (http.Request.Method, http.Request.Path.Value) switch
    {
        // Anyone who opens the page gets a token.
        (_, "/call" or "/call/" or "/call/page.js" or "/call/participants") when !MayCall(http.Connection.RemoteIpAddress) => SendAsync(
            http, StatusCodes.Status403Forbidden, new() { ["error"] = "The page /call is available only on this machine. To allow other machines, start LocalHost with --open-to-network." }),
        ("GET" or "HEAD", "/call" or "/call/") => SendFileAsync(http, "text/html; charset=utf-8", Path.Combine(Folder, "index.html")),
        ("GET" or "HEAD", "/call/page.js") => SendScriptAsync(http),
        ("POST", "/call/participants") => AddParticipantAsync(http),
        _ => next(http),
    };

    public void Dispose()
    {
        _api.Dispose();
        _alone.Dispose();
    }

    private bool MayCall(IPAddress? caller) => access.IsOpenToNetwork || caller is null || IPAddress.IsLoopback(caller);

    private static Task SendFileAsync(HttpContext http, string type, string file)
    {
        http.Response.ContentType = type;
        return http.Response.SendFileAsync(file, http.RequestAborted);
    }

    private static Task SendAsync(HttpContext http, int status, JsonObject body)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        return http.Response.WriteAsync(body.ToJsonString(), http.RequestAborted);
    }

    private async Task SendScriptAsync(HttpContext http)
    {
        await _alone.WaitAsync(http.RequestAborted);
        try
        {
            await BundleAsync();
        }
        catch (LocalHostException exception)
        {
            http.Response.StatusCode = StatusCodes.Status500InternalServerError;
            await http.Response.WriteAsync(exception.Message, http.RequestAborted);
            return;
        }
        finally
        {
            _alone.Release();
        }

        await SendFileAsync(http, "text/javascript; charset=utf-8", Bundle);
    }

    /// <summary>Installs the official SDK from npm, and bundles it with the page's own script.</summary>
    private async Task BundleAsync()
    {
        if (_isBundled)
            return;

        await Node.InstallAsync(Folder);
        using var esbuild = Node.Start(
            new("node", ["node_modules/esbuild/bin/esbuild", "page.js", "--bundle", "--minify", "--format=iife", $"--outfile={Bundle}"]), Folder);
        var output = esbuild.StandardOutput.ReadToEndAsync();
        var errors = esbuild.StandardError.ReadToEndAsync();
        await Task.WhenAll(output, errors, esbuild.WaitForExitAsync());
        if (esbuild.ExitCode != 0)
            throw new LocalHostException($"The script of the page /call could not be built: {(await errors).Trim()}");
        _isBundled = true;
    }

    private async Task AddParticipantAsync(HttpContext http)
    {
        await _alone.WaitAsync(http.RequestAborted);
        try
        {
            await SendAsync(http, StatusCodes.Status200OK, await AddParticipantAsync(http.Request));
        }
        catch (HttpRequestException exception)
        {
            await SendAsync(http, (int)(exception.StatusCode ?? HttpStatusCode.BadGateway), new() { ["error"] = exception.Message });
        }
        finally
        {
            _alone.Release();
        }
    }

    /// <summary>
    /// Adds a new participant to the page's session. It receives the media of the whole session, unless the page requests none.
    /// </summary>
    private async Task<JsonObject> AddParticipantAsync(HttpRequest request)
    {
        var account = $"{request.Scheme}://{request.Host}/v1/accounts/{LocalCredential.Account}";
        var sessionId = await FindSessionAsync(account) ?? (string)(await CallAsync(
            HttpMethod.Post, $"{account}/sessions", new() { ["tag"] = "call" }))!["id"]!;
        _sessionId = sessionId;
        var created = (await CallAsync(
            HttpMethod.Post, $"{account}/participants", new() { ["publishPermissions"] = new JsonArray("AUDIO", "VIDEO"), ["deviceApiVersion"] = "V3" }))!;
        var participantId = (string)created["participant"]!["id"]!;
        await CallAsync(
            HttpMethod.Put,
            $"{account}/sessions/{sessionId}/participants/{participantId}",
            request.Query["hear"] == "nobody" ? [] : new() { ["sessionId"] = sessionId });
        return new() { ["token"] = (string)created["token"]!, ["participantId"] = participantId, ["sessionId"] = sessionId };
    }

    private async Task<string?> FindSessionAsync(string account)
    {
        if (_sessionId is null)
            return null;

        using var request = new HttpRequestMessage(HttpMethod.Get, $"{account}/sessions/{_sessionId}");
        using var response = await SendAsync(request);
        return response.IsSuccessStatusCode ? _sessionId : null;
    }

    /// <exception cref="HttpRequestException">The API returned an error.</exception>
    private async Task<JsonObject?> CallAsync(HttpMethod method, string url, JsonObject body)
    {
        // The content has a length, because the API does not accept chunked bodies.
        using var request = new HttpRequestMessage(method, url) { Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json") };
        using var response = await SendAsync(request);
        if (!response.IsSuccessStatusCode)
            throw new HttpRequestException(await response.Content.ReadAsStringAsync(), null, response.StatusCode);

        return response.StatusCode == HttpStatusCode.NoContent ? null : await response.Content.ReadFromJsonAsync<JsonObject>();
    }

    private Task<HttpResponseMessage> SendAsync(HttpRequestMessage request)
    {
        var credential = Encoding.UTF8.GetBytes($"{access.User}:{access.Secret}");
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(credential));
        return _api.SendAsync(request);
    }
}
