using Azure.Data.Tables;
using Scalar.AspNetCore;

namespace Sessions.LocalHost;

/// <summary>
/// The API reference at <c>/reference</c>, which Scalar renders from the OpenAPI document. The page loads nothing from the internet.
/// </summary>
internal static class ReferencePage
{
    private const string Path = "/reference";

    /// <summary>Serves the page, and passes on other requests.</summary>
    public static IApplicationBuilder UseReference(this IApplicationBuilder app)
        => app.MapWhen(
            http => http.Request.Path.StartsWithSegments(Path, StringComparison.Ordinal),
            branch => branch.UseRouting().UseEndpoints(endpoints => endpoints
                .MapScalarApiReference(Path, Configure)
                .WithMetadata(new HttpMethodMetadata([HttpMethods.Get, HttpMethods.Head]))));

    private static void Configure(ScalarOptions options, HttpContext http)
    {
        options.Title = "Sessions: reference";
        options.OpenApiRoutePattern = "/openapi.json";
        options.DefaultFonts = false;
        options.Telemetry = false;
        options.HideClientButton = true;
        options.Agent = new() { Disabled = true };
        options.Mcp = new() { Disabled = true };
        options.ShowDeveloperTools = DeveloperToolsVisibility.Never;
        if (http.RequestServices.GetRequiredService<TableServiceClient>().Uri.IsLoopback)
        {
            var access = http.RequestServices.GetRequiredService<LocalAccess>();
            options.AddHttpAuthentication("Basic", credential => (credential.Username, credential.Password) = (access.User, access.ShownSecret));
        }
    }
}
