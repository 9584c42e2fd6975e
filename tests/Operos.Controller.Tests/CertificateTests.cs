using System.Net;
using System.Reflection;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Operos.Authority;

namespace Operos.Controller.Tests;

/// <summary>One place makes certificates, and one table says how long they live.</summary>
public sealed class CertificateTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly string folder = Directory.CreateTempSubdirectory("operos-certificates-").FullName;
    private readonly StoppedClock clock = new() { Now = Now };

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Nothing_but_the_authority_makes_or_judges_certificates_or_says_how_long_they_live()
    {
        string[] marks = ["X509BasicConstraintsExtension", "CreateSelfSigned", "LoadSigningRequest", "CustomRootTrust", "* 2 / 3"];
        var found = from mark in marks
                    from file in Code()
                    where File.ReadAllText(file.Path).Contains(mark, StringComparison.Ordinal)
                    select (mark, file.Project);
        Assert.Equal(marks.Select(mark => (mark, "Operos.Authority")).Order(), found.Distinct().Order());
    }

    [Fact]
    public void Each_life_time_stands_in_the_readme()
    {
        var readme = File.ReadAllText(Path.Combine(Checkout(), "agents/Operos.Authority/README.md"));
        foreach (var field in typeof(CertificateLives).GetFields(BindingFlags.Public | BindingFlags.Static))
        {
            IReadOnlyList<TimeSpan> lives = field.GetValue(null) is LifeBounds bounds
                ? [bounds.Default, bounds.Shortest, bounds.Longest] : [(TimeSpan)field.GetValue(null)!];
            foreach (var life in lives) Assert.Contains(Show(life), readme, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_certificate_lives_as_long_as_was_asked_for_and_never_longer_than_its_authority()
    {
        var authority = CertificateAuthority.OpenOrCreate(folder, clock);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var csr = new CertificateRequest("CN=whatever", key, HashAlgorithmName.SHA256).CreateSigningRequest();
        Assert.Equal(Now + CertificateLives.Authority, CertificateLife.Of(authority.Certificate).Ends);

        using var machine = authority.SignWorker(csr, "m1", CertificateLives.Machine.Default);
        Assert.Equal(new CertificateLife(Now - TimeSpan.FromHours(1), Now + CertificateLives.Machine.Default), CertificateLife.Of(machine));
        using var brief = authority.SignOperator(csr, "bob", TimeSpan.FromMinutes(10));
        Assert.Equal(Now - TimeSpan.FromMinutes(1), CertificateLife.Of(brief).Begins);
        using var endless = authority.SignOperator(csr, "bob", CertificateLives.Authority * 2);
        Assert.Equal(CertificateLife.Of(authority.Certificate).Ends, CertificateLife.Of(endless).Ends);
        using var server = authority.IssueServer("operos-controller", IPAddress.Parse("10.77.0.1"));
        Assert.Equal(Now + CertificateLives.ControlServer, CertificateLife.Of(server).Ends);
    }

    [Fact]
    public void The_control_endpoints_certificate_is_made_anew_when_its_time_has_come()
    {
        var authority = CertificateAuthority.OpenOrCreate(folder, clock);
        var certificate = new ServerCertificate(authority, "operos-controller", IPAddress.Loopback, clock);
        var first = certificate.Current;
        clock.Now += CertificateLives.ControlServerRenewal;
        Assert.Same(first, certificate.Current);
        clock.Now += TimeSpan.FromSeconds(1);
        var second = certificate.Current;
        Assert.NotSame(first, second);
        Assert.NotEqual(CertificateAuthority.KeyHash(first.TargetCertificate), CertificateAuthority.KeyHash(second.TargetCertificate));
    }

    [Fact]
    public void A_certificate_is_due_at_two_thirds_and_neglected_at_three_quarters()
    {
        var life = new CertificateLife(Now, Now + TimeSpan.FromDays(12));
        Assert.Equal((false, true), (life.IsDue(Now.AddDays(8).AddSeconds(-1)), life.IsDue(Now.AddDays(8))));
        Assert.Equal((false, true), (life.IsNeglected(Now.AddDays(9)), life.IsNeglected(Now.AddDays(9).AddSeconds(1))));
        Assert.Equal((false, true), (life.IsOver(Now.AddDays(12).AddSeconds(-1)), life.IsOver(Now.AddDays(12))));
    }

    private sealed class StoppedClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; }
        public override DateTimeOffset GetUtcNow() => Now;
    }

    private static string Show(TimeSpan life) =>
        life.TotalDays >= 1 ? $"{life.TotalDays} d" : life.TotalHours >= 1 ? $"{life.TotalHours} h" : $"{life.TotalMinutes} min";

    private static IEnumerable<(string Path, string Project)> Code() =>
        from root in (string[])["agents", "proto"]
        from path in Directory.EnumerateFiles(Path.Combine(Checkout(), root), "*.cs", SearchOption.AllDirectories)
        let parts = Path.GetRelativePath(Checkout(), path).Split('/')
        where parts[2] is not ("bin" or "obj")
        select (path, parts[1]);

    private static string Checkout()
    {
        for (var at = AppContext.BaseDirectory; at is not null; at = Path.GetDirectoryName(at))
            if (File.Exists(Path.Combine(at, "Operos.sln"))) return at;
        throw new InvalidOperationException($"there is no Operos.sln above {AppContext.BaseDirectory}: run this in a checkout");
    }
}
