// Declarations of the Azure Functions worker's types, for builds whose package feed lacks the worker: same names,
// namespaces and signatures, no behaviour. Only what this project uses is declared.
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

    /// <summary>The HTTP methods; null or empty means every method.</summary>
    public string[]? Methods { get; } = methods;

    /// <summary>The route template.</summary>
    public string? Route { get; set; }
}

/// <summary>Stands for the timer extension's attribute of this name.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class TimerTriggerAttribute(string schedule) : Attribute
{
    /// <summary>When it fires: six fields, seconds first.</summary>
    public string Schedule { get; } = schedule;
}

/// <summary>Stands for the queue extension's attribute of this name.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class QueueTriggerAttribute(string queueName) : Attribute
{
    /// <summary>The queue.</summary>
    public string QueueName { get; } = queueName;

    /// <summary>The setting, or the beginning of the settings, that name the storage account.</summary>
    public string? Connection { get; set; }
}

/// <summary>Stands for the timer extension's type of this name.</summary>
public sealed class TimerInfo;

/// <summary>Stands for the HTTP extension's enumeration of this name.</summary>
public enum AuthorizationLevel
{
    /// <summary>No key is asked for.</summary>
    Anonymous,

    /// <summary>A user's token is asked for.</summary>
    User,

    /// <summary>A function key is asked for.</summary>
    Function,

    /// <summary>A system key is asked for.</summary>
    System,

    /// <summary>The host's master key is asked for.</summary>
    Admin,
}
