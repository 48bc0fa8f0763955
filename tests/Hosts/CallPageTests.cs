using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using Sessions.LocalHost;

namespace Sessions.Tests;

/// <summary>Who may open the page <c>/call</c>, which gives a token to everyone who opens it.</summary>
public sealed class CallPageTests
{
    [Theory]
    [InlineData("GET", "/call")]
    [InlineData("GET", "/call/page.js")]
    [InlineData("POST", "/call/participants")]
    public async Task Another_machine_gets_403(string method, string path)
    {
        var (status, body) = await SendAsync(LocalAccess.Known, "192.0.2.1", method, path);

        Assert.Equal(
            (StatusCodes.Status403Forbidden, """{"error":"The page /call is available only on this machine. To allow other machines, start LocalHost with --open-to-network."}"""),
            (status, body));
    }

    [Theory]
    [InlineData("192.0.2.1", true)]
    [InlineData("127.0.0.1", false)]
    [InlineData("::1", false)]
    public async Task This_machine_gets_the_page_and_with_open_to_network_every_machine_does(string caller, bool isOpenToNetwork)
    {
        var (status, body) = await SendAsync(LocalAccess.Known with { IsOpenToNetwork = isOpenToNetwork }, caller, "GET", "/call");

        Assert.Equal(StatusCodes.Status200OK, status);
        Assert.StartsWith("<!doctype html>", body, StringComparison.OrdinalIgnoreCase);
    }

    private static async Task<(int Status, string Body)> SendAsync(LocalAccess access, string caller, string method, string path)
    {
        using var page = new CallPage(access);
        using var body = new MemoryStream();
        var http = new DefaultHttpContext();
        (http.Connection.RemoteIpAddress, http.Request.Method, http.Request.Path, http.Response.Body) = (IPAddress.Parse(caller), method, path, body);

        await page.InvokeAsync(http, _ => throw new InvalidOperationException("The page passed the request on."));

        return (http.Response.StatusCode, Encoding.UTF8.GetString(body.ToArray()));
    }
}
