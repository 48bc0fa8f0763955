// Declarations of the Azure Functions worker's types, for builds whose package feed lacks the worker. They have the same names, namespaces
// and signatures, but no behavior. Only types that this project uses are declared.
namespace Microsoft.Azure.Functions.Worker;

/// <summary>Stands for the worker's attribute of this name.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class FunctionAttribute(string name) : Attribute
{
    /// <summary>The function's name.</summary>
    public string Name { get; } = name;
}

/// <summary>Stands for the HTTP extension's attribute of this name.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class HttpTriggerAttribute(AuthorizationLevel authLevel, params string[] methods) : Attribute
{
    /// <summary>The host's own authorization level.</summary>
    public AuthorizationLevel AuthLevel { get; } = authLevel;

    /// <summary>The HTTP methods. Null or empty means every method.</summary>
    public string[]? Methods { get; } = methods;

    /// <summary>The route template.</summary>
    public string? Route { get; set; }
}

/// <summary>Stands for the timer extension's attribute of this name.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class TimerTriggerAttribute(string schedule) : Attribute
{
    /// <summary>The schedule in six fields, seconds first.</summary>
    public string Schedule { get; } = schedule;
}

/// <summary>Stands for the queue extension's attribute of this name.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class QueueTriggerAttribute(string queueName) : Attribute
{
    /// <summary>The queue.</summary>
    public string QueueName { get; } = queueName;

    /// <summary>The name of the setting, or the common beginning of the settings' names, for the storage account.</summary>
    public string? Connection { get; set; }
}

/// <summary>Stands for the timer extension's type of this name.</summary>
public sealed class TimerInfo;

/// <summary>Stands for the HTTP extension's enumeration of this name.</summary>
public enum AuthorizationLevel
{
    /// <summary>No key is required.</summary>
    Anonymous,

    /// <summary>A user's token is required.</summary>
    User,

    /// <summary>A function key is required.</summary>
    Function,

    /// <summary>A system key is required.</summary>
    System,

    /// <summary>The host's master key is required.</summary>
    Admin,
}
