using System.Reflection;
using Microsoft.AspNetCore.Routing.Template;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;

namespace Sessions.LocalHost;

/// <summary>
/// Finds the HTTP functions of an assembly and routes as the Functions host does: in the order of their names, ignoring
/// case, the first whose route and methods match.
/// </summary>
public sealed class FunctionRouter
{
    private readonly Function[] _functions;

    /// <summary>Finds the functions.</summary>
    public FunctionRouter(Assembly assembly)
        => _functions =
        [
            .. from type in assembly.GetTypes()
               from method in type.GetMethods()
               let name = method.GetCustomAttribute<FunctionAttribute>()?.Name
               where name is not null
               let trigger = method.GetParameters().Select(parameter => parameter.GetCustomAttribute<HttpTriggerAttribute>()).OfType<HttpTriggerAttribute>().FirstOrDefault()
               where trigger is not null
               orderby name.ToUpperInvariant()
               select new Function(
                   method,
                   new TemplateMatcher(TemplateParser.Parse(trigger.Route ?? name), []),
                   trigger.Methods ?? [],
                   ActivatorUtilities.CreateFactory(type, [])),
        ];

    /// <summary>Answers a request with the function that takes it; with an empty 404 when none does.</summary>
    public async Task InvokeAsync(HttpContext http)
    {
        foreach (var function in _functions)
        {
            RouteValueDictionary values = [];
            if (!function.Takes(http.Request, values))
                continue;

            var context = new LocalFunctionContext(http);
            var response = await function.InvokeAsync(new LocalHttpRequestData(context, http.Request), values, http);
            await SendAsync(response, http.Response);
            return;
        }

        http.Response.StatusCode = StatusCodes.Status404NotFound;
    }

    private static async Task SendAsync(HttpResponseData from, HttpResponse to)
    {
        to.StatusCode = (int)from.StatusCode;
        foreach (var (name, values) in from.Headers)
            to.Headers[name] = values.ToArray();

        from.Body.Position = 0;
        if (from.Body.Length > 0)
            to.ContentLength = from.Body.Length;
        await from.Body.CopyToAsync(to.Body, to.HttpContext.RequestAborted);
    }

    private sealed record Function(MethodInfo Method, TemplateMatcher Route, string[] Methods, ObjectFactory Create)
    {
        // On the host a catch-all takes paths that begin with two slashes, too; the matcher alone does not.
        private readonly bool _takesEveryPath = Route.Template is { Segments.Count: 1, Parameters: [{ IsCatchAll: true }] };

        public bool Takes(HttpRequest request, RouteValueDictionary values)
            => (Methods.Length == 0 || Methods.Contains(request.Method, StringComparer.OrdinalIgnoreCase))
                && (_takesEveryPath || Route.TryMatch(request.Path, values));

        public Task<HttpResponseData> InvokeAsync(HttpRequestData request, RouteValueDictionary values, HttpContext http)
        {
            var arguments = Method.GetParameters().Select(object? (parameter) =>
                parameter.ParameterType == typeof(HttpRequestData) ? request : values[parameter.Name!]);
            return (Task<HttpResponseData>)Method.Invoke(
                Create(http.RequestServices, null), BindingFlags.DoNotWrapExceptions, null, [.. arguments], null)!;
        }
    }
}
