// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/certificates.hpp"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <memory>

namespace knd::api {
namespace {

constexpr long kDay = 24 * 3600;

template <auto Free>
struct Deleter {
    template <class T>
    void operator()(T* object) const {
        Free(object);
    }
};
using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;

Error failure(std::string_view what) {
    char text[256];
    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    return {Code::kInternal, std::string(what) + ": " + text};
}

std::string contents(BIO* bio) {
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
}

Result<Credential> to_pem(X509* certificate, EVP_PKEY* key) {
    const Bio certificate_text(BIO_new(BIO_s_mem()));
    const Bio key_text(BIO_new(BIO_s_mem()));
    if (PEM_write_bio_X509(certificate_text.get(), certificate) != 1 ||
        PEM_write_bio_PrivateKey(key_text.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
        return failure("write a certificate");
    return Credential{contents(certificate_text.get()), contents(key_text.get())};
}

/// Subject, validity and a random serial number; the issuer and signature are still missing.
Result<Certificate> blank(const char* name, EVP_PKEY* key, long days) {
    Certificate certificate(X509_new());
    auto* raw = certificate.get();
    std::uint64_t serial = 0;
    if (RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1)
        return failure("choose the number of a certificate");
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(raw), serial >> 1);
    X509_set_version(raw, X509_VERSION_3);
    // An hour back, for machines whose clocks are a little apart.
    X509_gmtime_adj(X509_getm_notBefore(raw), -3600);
    X509_gmtime_adj(X509_getm_notAfter(raw), days * kDay);
    X509_set_pubkey(raw, key);
    const auto* text = reinterpret_cast<const unsigned char*>(name);
    if (X509_NAME_add_entry_by_txt(X509_get_subject_name(raw), "CN", MBSTRING_UTF8, text, -1, -1,
                                   0) != 1)
        return failure("name a certificate");
    return certificate;
}

Result<> add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1)
        return failure("extend a certificate with " + value);
    return {};
}

std::string alternative_names(const std::vector<std::string>& addresses) {
    std::string text = "DNS:localhost,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:::1";
    for (const auto& address : addresses) {
        in6_addr bytes;
        const bool is_ip = inet_pton(AF_INET, address.c_str(), &bytes) == 1 ||
                           inet_pton(AF_INET6, address.c_str(), &bytes) == 1;
        text.append(is_ip ? ",IP:" : ",DNS:").append(address);
    }
    return text;
}

}  // namespace

Result<Credential> make_authority() {
    const Key key(EVP_EC_gen("P-256"));
    if (!key) return failure("make a key");
    KND_TRY_ASSIGN(const auto certificate, blank("knd-local", key.get(), 3650));
    auto* raw = certificate.get();
    X509_set_issuer_name(raw, X509_get_subject_name(raw));
    KND_TRY(add_extension(raw, raw, NID_basic_constraints, "critical,CA:TRUE"));
    KND_TRY(add_extension(raw, raw, NID_key_usage, "critical,keyCertSign,cRLSign"));
    KND_TRY(add_extension(raw, raw, NID_subject_key_identifier, "hash"));
    if (X509_sign(raw, key.get(), EVP_sha256()) == 0) return failure("sign a certificate");
    return to_pem(raw, key.get());
}

Result<Credential> issue_certificate(const Credential& authority,
                                     const std::vector<std::string>& addresses) {
    const Bio certificate_text(BIO_new_mem_buf(authority.certificate.data(),
                                               static_cast<int>(authority.certificate.size())));
    const Bio key_text(
        BIO_new_mem_buf(authority.key.data(), static_cast<int>(authority.key.size())));
    const Certificate issuer(PEM_read_bio_X509(certificate_text.get(), nullptr, nullptr, nullptr));
    const Key issuer_key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
    if (!issuer || !issuer_key) return failure("read the certificate authority");
    const Key key(EVP_EC_gen("P-256"));
    if (!key) return failure("make a key");
    KND_TRY_ASSIGN(const auto certificate, blank("kube-apiserver", key.get(), 365));
    auto* raw = certificate.get();
    X509_set_issuer_name(raw, X509_get_subject_name(issuer.get()));
    KND_TRY(add_extension(raw, issuer.get(), NID_basic_constraints, "critical,CA:FALSE"));
    KND_TRY(add_extension(raw, issuer.get(), NID_key_usage, "critical,digitalSignature"));
    KND_TRY(add_extension(raw, issuer.get(), NID_ext_key_usage, "serverAuth"));
    KND_TRY(add_extension(raw, issuer.get(), NID_authority_key_identifier, "keyid"));
    KND_TRY(add_extension(raw, issuer.get(), NID_subject_alt_name, alternative_names(addresses)));
    if (X509_sign(raw, issuer_key.get(), EVP_sha256()) == 0) return failure("sign a certificate");
    return to_pem(raw, key.get());
}

std::string base64(const std::string& bytes) {
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    const auto size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                      reinterpret_cast<const unsigned char*>(bytes.data()),
                                      static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(size));
    return text;
}

}  // namespace knd::api
