using System.Reflection;
using System.Text.Json;
using Microsoft.Azure.Functions.Worker;

namespace Sessions.Tests;

/// <summary>An HTTP function, as declared by its attributes.</summary>
public sealed record HttpFunction(string Name, string Route, IReadOnlyList<string> Methods, AuthorizationLevel Level, MethodInfo Method)
{
    /// <summary>The name of the operation, as in the documents.</summary>
    public string Operation => JsonNamingPolicy.CamelCase.ConvertName(Name);

    /// <summary>Every HTTP function of the app.</summary>
    public static IReadOnlyList<HttpFunction> All { get; } =
    [
        .. from type in typeof(ServiceRegistration).Assembly.GetTypes()
           from method in type.GetMethods()
           from parameter in method.GetParameters()
           let trigger = parameter.GetCustomAttribute<HttpTriggerAttribute>()
           where trigger is not null
           select new HttpFunction(
               method.GetCustomAttribute<FunctionAttribute>()!.Name, trigger.Route!, trigger.Methods ?? [], trigger.AuthLevel, method),
    ];
}
