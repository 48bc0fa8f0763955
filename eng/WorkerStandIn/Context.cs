namespace Microsoft.Azure.Functions.Worker;

/// <summary>Stands for the worker's type of this name.</summary>
public abstract class FunctionContext
{
    /// <summary>One invocation's id.</summary>
    public abstract string InvocationId { get; }

    /// <summary>The function's id.</summary>
    public abstract string FunctionId { get; }

    /// <summary>The W3C trace context.</summary>
    public abstract TraceContext TraceContext { get; }

    /// <summary>The trigger's binding data.</summary>
    public abstract BindingContext BindingContext { get; }

    /// <summary>The retries of the host.</summary>
    public abstract RetryContext RetryContext { get; }

    /// <summary>The invocation's services.</summary>
    public abstract IServiceProvider InstanceServices { get; set; }

    /// <summary>The definition of the function.</summary>
    public abstract FunctionDefinition FunctionDefinition { get; }

    /// <summary>Values that the code of an invocation shares.</summary>
    public abstract IDictionary<object, object> Items { get; set; }

    /// <summary>The worker's features.</summary>
    public abstract IInvocationFeatures Features { get; }

    /// <summary>Fires when the invocation is cancelled.</summary>
    public virtual CancellationToken CancellationToken { get; }
}

/// <summary>Stands for the worker's type of this name.</summary>
public abstract class TraceContext
{
    /// <summary>The W3C <c>traceparent</c>.</summary>
    public abstract string TraceParent { get; }

    /// <summary>The W3C <c>tracestate</c>.</summary>
    public abstract string TraceState { get; }
}

/// <summary>Stands for the worker's type of this name.</summary>
public abstract class BindingContext;

/// <summary>Stands for the worker's type of this name.</summary>
public abstract class RetryContext;

/// <summary>Stands for the worker's type of this name.</summary>
public abstract class FunctionDefinition;

/// <summary>Stands for the worker's type of this name.</summary>
public interface IInvocationFeatures : IEnumerable<KeyValuePair<Type, object>>;
