//! `libsscarddriver.so`: the C functions that programs of hospitals and pharmacies call.
//!
//! Source: the driver interface that five programs share (`iReadCardBas` …): `long`, 0 done, negative fault, `pOutInfo` in GBK.
//! Owns: the C boundary: pointers, GBK, unwinding, one call at a time, the end of a card's time. Never: unwinds into C, reads or
//! writes past the caller's buffers, writes through a null pointer; knows what a function does (`card-calls`).

#![expect(non_snake_case, reason = "names of the published interface")]

pub mod boundary;
pub mod output;
pub mod server;

use std::ffi::{c_char, c_int, c_long, c_short, c_uchar};

use crate::boundary::{Given, answer};

/// The type of a parameter in C.
macro_rules! c_type {
    (number) => { c_int };
    (text) => { *const c_char };
    (out) => { *mut c_char };
    (byte) => { c_uchar };
    (bytes) => { *const c_uchar };
    (out_bytes) => { *mut c_uchar };
    (out_byte) => { *mut c_uchar };
    (out_short) => { *mut c_short };
}

/// The argument or the buffer of a parameter.
macro_rules! given {
    (number, $value:ident) => {
        Given::Number($value)
    };
    (text, $value:ident) => {
        Given::Text($value)
    };
    (out, $value:ident) => {
        Given::Out($value)
    };
    (byte, $value:ident) => {
        Given::Number(c_int::from($value))
    };
    (bytes, $value:ident) => {
        Given::Bytes($value)
    };
    (out_bytes, $value:ident) => {
        Given::OutBytes($value)
    };
    (out_byte, $value:ident) => {
        Given::OutByte($value)
    };
    (out_short, $value:ident) => {
        Given::OutShort($value)
    };
}

/// The exported functions and the list of them, from one spelling.
macro_rules! exports {
    ($($name:ident($($parameter:ident: $kind:ident),*);)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "` of the interface; see `card_calls::FUNCTIONS`.")]
            ///
            /// # Safety
            /// A text is null or ends with a zero byte; a buffer is null or has as many writable bytes as the settings say, and
            /// nothing else uses it during the call.
            #[expect(unsafe_code, reason = "a C interface: the name is not mangled, texts and buffers are raw pointers")]
            #[unsafe(no_mangle)]
            pub unsafe extern "system" fn $name($($parameter: c_type!($kind)),*) -> c_long {
                // SAFETY: the caller's promise is ours to `answer`.
                unsafe { answer(stringify!($name), &[$(given!($kind, $parameter)),*]) }
            }
        )*

        /// Names and kinds of parameters of the exported functions: a test compares them with the table.
        pub const EXPORTS: &[(&str, &[(&str, &str)])] =
            &[$((stringify!($name), &[$((stringify!($parameter), stringify!($kind))),*])),*];
    };
}

exports! {
    iReadCardBas(iType: number, pOutInfo: out);
    iReadCardBas_HSM_Step1(iType: number, pOutInfo: out);
    iReadCardBas_HSM_Step2(pKey: text, pOutInfo: out);
    iReadCard(iType: number, iAuthType: number, pCardInfo: text, pFileAddr: text, pOutInfo: out);
    iReadCard_HSM_Step1(iType: number, pCardInfo: text, pFileAddr: text, pOutInfo: out);
    iReadCard_HSM_Step2(pKey: text, pOutInfo: out);
    iWriteCard(iType: number, pCardInfo: text, pFileAddr: text, pWriteData: text, pOutInfo: out);
    iWriteCard_HSM_Step1(iType: number, pCardInfo: text, pFileAddr: text, pOutInfo: out);
    iWriteCard_HSM_Step2(pKey: text, pWriteData: text, pOutInfo: out);
    iVerifyPIN(iType: number, pOutInfo: out);
    iChangePIN(iType: number, pOutInfo: out);
    iReloadPIN(iType: number, pCardInfo: text, pOutInfo: out);
    iReloadPIN_HSM_Step1(iType: number, pCardInfo: text, pOutInfo: out);
    iReloadPIN_HSM_Step2(pKey: text, pOutInfo: out);
    iReloadPIN_HSM_Step3(pKey: text, pOutInfo: out);
    iUnblockPIN(iType: number, pCardInfo: text, pOutInfo: out);
    iUnblockPIN_HSM_Step1(iType: number, pCardInfo: text, pOutInfo: out);
    iUnblockPIN_HSM_Step2(pKey: text, pOutInfo: out);
    iUnblockPIN_HSM_Step3(pKey: text, pOutInfo: out);
    iDoDebit(iType: number, pCardInfo: text, pPayInfo: text, pOutInfo: out);
    iDoDebit_HSM_Step1(iType: number, pCardInfo: text, pPayInfo: text, pOutInfo: out);
    iDoDebit_HSM_Step2(pKey: text, pOutInfo: out);
    iReadDebitRecord(iType: number, pOutInfo: out);
    PKI_SignData(pUserPin: text, pInData: text, iType: number, pOutInfo: out);
    PKI_VerifySign(pUserPin: text, pCert: text, pClearText: text, pSignature: text, iType: number, pOutInfo: out);
    iGetCardType(iType: number, pOutInfo: out);
    iCheckCard(iType: number, pOutInfo: out);
    iGetReaderInfo(pReaderSN: out, pPsamTermNo: out);
    iPKBVerifyPIN(iType: number, pPin: text, pOutInfo: out);
    iPKBChangePIN(iType: number, pOldPin: text, pNewPin: text, pOutInfo: out);
    iReadICCardNum(iType: number, pOutInfo: out);
    iReadIdentityCard(iType: number, pOutInfo: out);
    iReadCardBas_HSM_Step1To2(pStepInfo: text, pOutInfo: out);
    iReadCard_HSM_Step1To2(pStepInfo: text, pOutInfo: out);
    iWriteCard_HSM_Step1To2(pStepInfo: text, pOutInfo: out);
    iReloadPIN_HSM_Step1To2(pStepInfo: text, pOutInfo: out);
    iReloadPIN_HSM_Step2To3(pStepInfo: text, pOutInfo: out);
    iUnblockPIN_HSM_Step1To2(pStepInfo: text, pOutInfo: out);
    iUnblockPIN_HSM_Step2To3(pStepInfo: text, pOutInfo: out);
    iDoDebit_HSM_Step1To2(pStepInfo: text, pOutInfo: out);
    iReadCardType(iType: number, pOutInfo: out);
    iReadCardNo(iType: number, pOutInfo: out);
    iReadCardInPutPin(iType: number, iAuthType: number, pCardInfo: text, pFileAddr: text, pPin: text, pOutInfo: out);
    iReadCardPublicInfo(KSBM: out, KLB: out, GFBB: out, JGBM: out, FKRQ: out, KYXQ: out, KH: out, pErrMsg: out);
    iReadPersonPublicInfo(SHBZHM: out, XM: out, XB: out, MZ: out, CSD: out, CSRQ: out, pErrMsg: out);
    iReadMedicareNO(pcMedicareNum: out, pErrMsg: out);
    iReadPBOCAccount(pOutData: out, pErrMsg: out);
    ReadICCardNum(ICType: number, cardnumber: out, pErrMsg: out);
    iReadUid(pUid: out, pOutInfo: out);
    iReadIdentityInfo(pcPhotoPath: text, pName: out, pGeneder: out, pNation: out, pBirth: out, pAddress: out, pCertNO: out, pDepartment: out, pMadedDate: out, pExpire: out, pPhotoBuffer: out, pErrMsg: out);
    iPKBGetPIN(pcPass: out, pErrMsg: out);
    iReaderGetPass(ctimeout: byte, cdsp: text, audiocmd: byte, cpasslen: out_byte, cpass: out);
    iSendCpuApdu(iType: number, pApdu: text, pOutInfo: out);
    iWriteCA();
    iWriteCA_HSM_Step1();
    iWriteCA_HSM_Step2();
    iCommReadCardBas(wsdlAddress: text, userId: text, password: text, authKey: text, iType: number, pOutInfo: out);
    iCommReadCard(wsdlAddress: text, userId: text, password: text, authKey: text, iType: number, iAuthType: number, pCardInfo: text, pFileAddr: text, pOutInfo: out);
    iCommWriteCard(wsdlAddress: text, userId: text, password: text, authKey: text, iType: number, pCardInfo: text, pFileAddr: text, pWriteData: text, pOutInfo: out);
    iCommReloadPIN(wsdlAddress: text, userId: text, password: text, authKey: text, iType: number, pCardInfo: text, pOutInfo: out);
    iCommUnblockPIN(wsdlAddress: text, userId: text, password: text, authKey: text, iType: number, pCardInfo: text, pOutInfo: out);
    iCommDoDebit(wsdlAddress: text, userId: text, password: text, authKey: text, iType: number, pCardInfo: text, pPayInfo: text, pOutInfo: out);
    ICC_Reader_Open(dev_Name: text);
    ICC_Reader_Close(ReaderHandle: number);
    ICC_Reader_pre_PowerOn(ReaderHandle: number, ICC_Slot_No: byte, Response: out_bytes);
    ICC_Reader_Application(ReaderHandle: number, ICC_Slot_No: byte, Lenth_of_Command_APDU: number, Command_APDU: bytes, Response_APDU: out_bytes);
    ICC_Reader_GetStatus(ReaderHandle: number, ICC_Slot_No: byte);
    ICC_Reader_GetPass(ReaderHandle: number, ctime: byte, rlen: out_byte, cpass: out);
    SD_ReadCardInfo(ReaderHandle: number, cardinfo: out);
    SD_VerifyPin(ReaderHandle: number, PIN: text, Sw1Sw2: out_short);
    SD_GetInputPass(ReaderHandle: number, ctime: byte, rlen: out_byte, cpass: out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(unsafe_code, reason = "calls the C function as C does")]
    fn bytes_after_the_closing_zero_stay_as_they_were() {
        let mut buffer = [0x5A_u8; 1024];
        // SAFETY: the buffer has 1024 bytes and nobody else uses it.
        let code = unsafe { iReadCardBas(9, buffer.as_mut_ptr().cast()) };
        assert_eq!(code, -14);
        let end = buffer.iter().position(|byte| *byte == 0).expect("a closing zero");
        assert!(buffer.iter().skip(end + 1).all(|byte| *byte == 0x5A));
    }

    #[test]
    #[expect(unsafe_code, reason = "calls the C function as C does")]
    fn callers_of_another_header_are_refused_and_nothing_of_theirs_is_touched() {
        assert!(boundary::OTHER_FORMS.iter().all(|name| EXPORTS.iter().any(|(export, _)| export == name)));
        let nowhere = std::ptr::without_provenance_mut(1);
        // SAFETY: nothing of what is given is read or written.
        unsafe {
            assert_eq!(iPKBVerifyPIN(0x4020_10C0, nowhere, nowhere), -14);
            assert_eq!(iPKBChangePIN(0x4020_10C0, nowhere, nowhere, nowhere), -14);
            assert_eq!((iCheckCard(0, nowhere), iGetCardType(-4096, nowhere)), (-14, -14));
            assert_eq!((iReadIdentityCard(0, nowhere), iReadICCardNum(5, nowhere)), (-14, -14));
            assert_eq!(iReadCardBas_HSM_Step1To2(std::ptr::without_provenance(3), nowhere), -14);
            assert_eq!(iUnblockPIN_HSM_Step1To2(std::ptr::without_provenance(1), nowhere), -14);
        }
    }

    #[test]
    #[expect(unsafe_code, reason = "calls the C function as C does")]
    fn null_pointers_and_texts_without_end_are_refused() {
        let mut buffer = [0x5A_u8; 1024];
        let endless = vec![b'a'; boundary::TEXT_BYTES_MAX];
        // SAFETY: null is allowed; `endless` has as many bytes as are read at most; the buffer has 1024 bytes.
        unsafe {
            assert_eq!(iReadCardBas(1, std::ptr::null_mut()), -14);
            assert_eq!(iReadCard(1, 2, std::ptr::null(), std::ptr::null(), buffer.as_mut_ptr().cast()), -14);
            let address = endless.as_ptr().cast();
            assert_eq!(iReadCard(1, 2, std::ptr::null(), address, buffer.as_mut_ptr().cast()), -42);
            let half = [0xD5_u8, 0];
            assert_eq!(iReadCard(1, 2, half.as_ptr().cast(), half.as_ptr().cast(), buffer.as_mut_ptr().cast()), -41);
        }
    }
}
