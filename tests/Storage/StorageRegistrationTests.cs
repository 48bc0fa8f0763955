using Azure.Data.Tables;
using Azure.Storage.Queues;
using Microsoft.Extensions.DependencyInjection;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>The clients of the tables and queues, as every program uses them.</summary>
public sealed class StorageRegistrationTests
{
    [Fact]
    public void Every_table_is_in_the_account_of_the_settings()
    {
        using var services = Register(_ => { });
        var tables = services.GetRequiredService<Tables>();

        Assert.Equal(["sessions", "participants", "credentials", "events"], tables.All.Select(table => table.Name));
        Assert.All(tables.All, table => Assert.Equal("devstoreaccount1", table.AccountName));
        Assert.Same(tables, services.GetRequiredService<Tables>());
    }

    [Fact]
    public void Every_queue_is_in_the_same_account()
    {
        using var services = Register(_ => { });
        var queues = services.GetRequiredService<Queues>();

        Assert.Equal(
            [("sessions-events", "devstoreaccount1"), ("sessions-webhooks", "devstoreaccount1")],
            new[] { queues.Events, queues.Webhooks }.Select(queue => (queue.Name, queue.AccountName)));
    }

    [Fact]
    public void Options_registered_earlier_are_used()
    {
        var own = new TableClientOptions();

        using var services = Register(services => services.AddSingleton(own));

        Assert.Same(own, services.GetRequiredService<TableClientOptions>());
    }

    [Fact]
    public void The_SDK_clients_log_and_trace_nothing_to_keep_keys_secret()
    {
        using var services = Register(_ => { });
        var (tables, queues) = (services.GetRequiredService<TableClientOptions>(), Queues.ClientOptions());

        Assert.Equal((false, false), (tables.Diagnostics.IsLoggingEnabled, tables.Diagnostics.IsDistributedTracingEnabled));
        Assert.Equal((false, false), (queues.Diagnostics.IsLoggingEnabled, queues.Diagnostics.IsDistributedTracingEnabled));
    }

    [Fact]
    public void Messages_are_encoded_in_the_format_of_the_Functions_host()
        => Assert.Equal(QueueMessageEncoding.Base64, Queues.ClientOptions().MessageEncoding);

    [Fact]
    public void A_call_times_out_after_5_seconds_of_silence()
        => Assert.Equal(
            (TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(5)),
            (StorageClient.Options().Retry.NetworkTimeout, Queues.ClientOptions().Retry.NetworkTimeout));

    private static ServiceProvider Register(Action<IServiceCollection> before)
    {
        var services = new ServiceCollection();
        services.AddSingleton(TestOptions.Default);
        before(services);
        return services.AddTables().BuildServiceProvider();
    }
}
