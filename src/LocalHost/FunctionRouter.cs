using System.Reflection;
using Microsoft.AspNetCore.Routing.Template;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;

namespace Sessions.LocalHost;

/// <summary>
/// Finds the HTTP functions of an assembly, and routes requests as the Functions host does: to the first function, in the order of their
/// names and ignoring case, whose route and methods match.
/// </summary>
public sealed class FunctionRouter
{
    private readonly Function[] _functions;

    /// <summary>Finds the functions. Their classes are created with the dependencies in <paramref name="services"/>.</summary>
    public FunctionRouter(Assembly assembly, IServiceProvider services)
        => _functions =
        [
            .. from type in assembly.GetExportedTypes()
               from method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
               let name = method.GetCustomAttribute<FunctionAttribute>()?.Name
               where name is not null
               let trigger = method.GetParameters().Select(parameter => parameter.GetCustomAttribute<HttpTriggerAttribute>()).OfType<HttpTriggerAttribute>().FirstOrDefault()
               where trigger is not null
               orderby name.ToUpperInvariant()
               select new Function(
                   MethodInvoker.Create(method),
                   [.. method.GetParameters().Select(parameter => parameter.ParameterType == typeof(HttpRequestData) ? null : parameter.Name)],
                   new TemplateMatcher(TemplateParser.Parse(trigger.Route ?? name), []),
                   trigger.Methods ?? [],
                   new Lazy<object>(() => ActivatorUtilities.CreateInstance(services, type))),
        ];

    /// <summary>Runs the function that matches a request. Returns an empty 404 if none matches.</summary>
    public async Task InvokeAsync(HttpContext http)
    {
        RouteValueDictionary values = [];
        foreach (var function in _functions)
        {
            if (function.Takes(http.Request, values))
            {
                var request = new LocalHttpRequestData(new LocalFunctionContext(http), http.Request);
                await SendAsync(await function.InvokeAsync(request, values), http.Response);
                return;
            }

            values.Clear();
        }

        http.Response.StatusCode = StatusCodes.Status404NotFound;
    }

    private static async Task SendAsync(HttpResponseData from, HttpResponse to)
    {
        to.StatusCode = (int)from.StatusCode;
        foreach (var (name, values) in from.Headers.NonValidated)
            to.Headers[name] = values.Count == 1 ? values.ToString() : values.ToArray();

        from.Body.Position = 0;
        if (from.Body.Length > 0)
            to.ContentLength = from.Body.Length;
        await from.Body.CopyToAsync(to.Body, to.HttpContext.RequestAborted);
    }

    /// <param name="Method">The method that is invoked.</param>
    /// <param name="Parameters">The name of each parameter's route value, or null for the request.</param>
    /// <param name="Route">The matcher of its paths.</param>
    /// <param name="Methods">The HTTP methods, or an empty list for all methods.</param>
    /// <param name="Instance">
    /// The instance of the function's class, created for its first request. The worker creates one for each request.
    /// </param>
    private sealed record Function(
        MethodInvoker Method, string?[] Parameters, TemplateMatcher Route, string[] Methods, Lazy<object> Instance)
    {
        public bool Takes(HttpRequest request, RouteValueDictionary values)
            => (Methods.Length == 0 || Methods.Contains(request.Method, StringComparer.OrdinalIgnoreCase))
                && Route.TryMatch(request.Path, values);

        public Task<HttpResponseData> InvokeAsync(HttpRequestData request, RouteValueDictionary values)
        {
            var arguments = Array.ConvertAll(Parameters, object? (name) => name is null ? request : values[name]);
            return (Task<HttpResponseData>)Method.Invoke(Instance.Value, arguments)!;
        }
    }
}
