/* sscarddriver.h: the C functions of libsscarddriver.so (sscarddriver.dll).
 *
 * Generated from the tables of functions and codes by tests/header.rs; do not edit.
 * Every function returns 0 or a negative code; pOutInfo receives GBK text ended by a zero byte, fields ended by '|',
 * or the message of the code; with -3006 and -3007 the output of the earlier purchase, with -3007 without a TAC.
 * A refusal by the card is the negative status word: -27266 is 6A82.
 * iType: 1 contact, 2 contactless, 3 either with contact first, 4 either with contactless first.
 * Texts are GBK; what each function reads and writes is described in README.md.
 */
#ifndef SSCARDDRIVER_H
#define SSCARDDRIVER_H

#if defined(_WIN32)
#define SSCARD_CALL __stdcall
#else
#define SSCARD_CALL
#endif

/* Bytes of pOutInfo that a caller provides, and the most that SSCARD_OUT_BYTES may ask for. */
#define SSCARD_OUT_BYTES_DEFAULT 1024
#define SSCARD_OUT_BYTES_MAX 4096

#ifdef __cplusplus
extern "C" {
#endif

/* 读基本信息: the eleven basic fields. */
long SSCARD_CALL iReadCardBas(int iType, char *pOutInfo);

/* 读基本信息, step 1: what the HSM is asked. */
long SSCARD_CALL iReadCardBas_HSM_Step1(int iType, char *pOutInfo);

/* 读基本信息, step 2: with what the HSM answered. */
long SSCARD_CALL iReadCardBas_HSM_Step2(const char *pKey, char *pOutInfo);

/* 通用读: items of files. iAuthType: 0 none, 1 PIN, 2 key (PSAM). */
long SSCARD_CALL iReadCard(int iType, int iAuthType, const char *pCardInfo, const char *pFileAddr, char *pOutInfo);

/* 通用读, step 1. */
long SSCARD_CALL iReadCard_HSM_Step1(int iType, const char *pCardInfo, const char *pFileAddr, char *pOutInfo);

/* 通用读, step 2. */
long SSCARD_CALL iReadCard_HSM_Step2(const char *pKey, char *pOutInfo);

/* 通用写: items of one file. */
long SSCARD_CALL iWriteCard(int iType, const char *pCardInfo, const char *pFileAddr, const char *pWriteData, char *pOutInfo);

/* 通用写, step 1. */
long SSCARD_CALL iWriteCard_HSM_Step1(int iType, const char *pCardInfo, const char *pFileAddr, char *pOutInfo);

/* 通用写, step 2. */
long SSCARD_CALL iWriteCard_HSM_Step2(const char *pKey, const char *pWriteData, char *pOutInfo);

/* 校验PIN: typed by the holder. */
long SSCARD_CALL iVerifyPIN(int iType, char *pOutInfo);

/* 修改PIN: typed by the holder. */
long SSCARD_CALL iChangePIN(int iType, char *pOutInfo);

/* 重置PIN: the new PIN typed by the holder. */
long SSCARD_CALL iReloadPIN(int iType, const char *pCardInfo, char *pOutInfo);

/* 重置PIN, step 1. */
long SSCARD_CALL iReloadPIN_HSM_Step1(int iType, const char *pCardInfo, char *pOutInfo);

/* 重置PIN, step 2. */
long SSCARD_CALL iReloadPIN_HSM_Step2(const char *pKey, char *pOutInfo);

/* 重置PIN, step 3: pKey is the whole command. */
long SSCARD_CALL iReloadPIN_HSM_Step3(const char *pKey, char *pOutInfo);

/* 解锁PIN. */
long SSCARD_CALL iUnblockPIN(int iType, const char *pCardInfo, char *pOutInfo);

/* 解锁PIN, step 1. */
long SSCARD_CALL iUnblockPIN_HSM_Step1(int iType, const char *pCardInfo, char *pOutInfo);

/* 解锁PIN, step 2. */
long SSCARD_CALL iUnblockPIN_HSM_Step2(const char *pKey, char *pOutInfo);

/* 解锁PIN, step 3: pKey is the whole command. */
long SSCARD_CALL iUnblockPIN_HSM_Step3(const char *pKey, char *pOutInfo);

/* 消费: journalled before the card is debited. */
long SSCARD_CALL iDoDebit(int iType, const char *pCardInfo, const char *pPayInfo, char *pOutInfo);

/* 消费, step 1. */
long SSCARD_CALL iDoDebit_HSM_Step1(int iType, const char *pCardInfo, const char *pPayInfo, char *pOutInfo);

/* 消费, step 2. */
long SSCARD_CALL iDoDebit_HSM_Step2(const char *pKey, char *pOutInfo);

/* 读交易记录: the log of the card, newest first. */
long SSCARD_CALL iReadDebitRecord(int iType, char *pOutInfo);

/* 签名: SM2 signature with the key of the card's certificate. */
long SSCARD_CALL PKI_SignData(const char *pUserPin, const char *pInData, int iType, char *pOutInfo);

/* 验签: 0 when the signature is the certificate's. */
long SSCARD_CALL PKI_VerifySign(const char *pUserPin, const char *pCert, const char *pClearText, const char *pSignature, int iType, char *pOutInfo);

/* 卡类型 (vendor). */
long SSCARD_CALL iGetCardType(int iType, char *pOutInfo);

/* 检卡 (vendor): `3|` for a social security card. */
long SSCARD_CALL iCheckCard(int iType, char *pOutInfo);

/* 读卡器信息 (vendor): device and terminal number. */
long SSCARD_CALL iGetReaderInfo(char *pReaderSN, char *pPsamTermNo);

/* 校验PIN with the digits given (vendor). */
long SSCARD_CALL iPKBVerifyPIN(int iType, const char *pPin, char *pOutInfo);

/* 修改PIN with the digits given (vendor). */
long SSCARD_CALL iPKBChangePIN(int iType, const char *pOldPin, const char *pNewPin, char *pOutInfo);

/* 银行卡号 (vendor): of the bank application on the card. */
long SSCARD_CALL iReadICCardNum(int iType, char *pOutInfo);

/* 读身份证 (vendor): not supported, -13. */
long SSCARD_CALL iReadIdentityCard(int iType, char *pOutInfo);

/* What an HSM of rehearsal keys answers (vendor). */
long SSCARD_CALL iReadCardBas_HSM_Step1To2(const char *pStepInfo, char *pOutInfo);

/* The same for iReadCard. */
long SSCARD_CALL iReadCard_HSM_Step1To2(const char *pStepInfo, char *pOutInfo);

/* The same for iWriteCard. */
long SSCARD_CALL iWriteCard_HSM_Step1To2(const char *pStepInfo, char *pOutInfo);

/* The same for iReloadPIN. */
long SSCARD_CALL iReloadPIN_HSM_Step1To2(const char *pStepInfo, char *pOutInfo);

/* The command for step 3 of iReloadPIN. */
long SSCARD_CALL iReloadPIN_HSM_Step2To3(const char *pStepInfo, char *pOutInfo);

/* The same for iUnblockPIN. */
long SSCARD_CALL iUnblockPIN_HSM_Step1To2(const char *pStepInfo, char *pOutInfo);

/* The command for step 3 of iUnblockPIN. */
long SSCARD_CALL iUnblockPIN_HSM_Step2To3(const char *pStepInfo, char *pOutInfo);

/* The same for iDoDebit. */
long SSCARD_CALL iDoDebit_HSM_Step1To2(const char *pStepInfo, char *pOutInfo);

/* 卡类型 (vendor): as iGetCardType. */
long SSCARD_CALL iReadCardType(int iType, char *pOutInfo);

/* 卡号 (vendor). */
long SSCARD_CALL iReadCardNo(int iType, char *pOutInfo);

/* 通用读 with the digits given (vendor). */
long SSCARD_CALL iReadCardInPutPin(int iType, int iAuthType, const char *pCardInfo, const char *pFileAddr, const char *pPin, char *pOutInfo);

/* 发卡公共信息 (vendor): 卡识别码, 卡类别, 规范版本, 初始化机构编号, 发卡日期, 卡有效期, 卡号. */
long SSCARD_CALL iReadCardPublicInfo(char *KSBM, char *KLB, char *GFBB, char *JGBM, char *FKRQ, char *KYXQ, char *KH, char *pErrMsg);

/* 持卡人公共信息 (vendor): 社会保障号码, 姓名, 性别, 民族, 出生地, 出生日期. */
long SSCARD_CALL iReadPersonPublicInfo(char *SHBZHM, char *XM, char *XB, char *MZ, char *CSD, char *CSRQ, char *pErrMsg);

/* 个人医保账号 (vendor). */
long SSCARD_CALL iReadMedicareNO(char *pcMedicareNum, char *pErrMsg);

/* 银行卡号 (vendor): as iReadICCardNum. */
long SSCARD_CALL iReadPBOCAccount(char *pOutData, char *pErrMsg);

/* 银行卡号 (vendor): as iReadICCardNum. */
long SSCARD_CALL ReadICCardNum(int ICType, char *cardnumber, char *pErrMsg);

/* 机具唯一识别号 (vendor): SSCARD_DEVICE. */
long SSCARD_CALL iReadUid(char *pUid, char *pOutInfo);

/* 读身份证 (vendor): not supported, -13. */
long SSCARD_CALL iReadIdentityInfo(const char *pcPhotoPath, char *pName, char *pGeneder, char *pNation, char *pBirth, char *pAddress, char *pCertNO, char *pDepartment, char *pMadedDate, char *pExpire, char *pPhotoBuffer, char *pErrMsg);

/* 取密码 (vendor): the digits that the holder types. */
long SSCARD_CALL iPKBGetPIN(char *pcPass, char *pErrMsg);

/* 取密码 (vendor): as iPKBGetPIN. audiocmd: 1 PIN, 2 again, 3 old, 4 new. */
long SSCARD_CALL iReaderGetPass(unsigned char ctimeout, const char *cdsp, unsigned char audiocmd, unsigned char *cpasslen, char *cpass);

/* 发送指令 (vendor): command and answer in hex. */
long SSCARD_CALL iSendCpuApdu(int iType, const char *pApdu, char *pOutInfo);

/* 写证书 (vendor): not supported, -13; touches no parameter. */
long SSCARD_CALL iWriteCA(void);

/* 写证书, step 1: not supported, -13. */
long SSCARD_CALL iWriteCA_HSM_Step1(void);

/* 写证书, step 2: not supported, -13. */
long SSCARD_CALL iWriteCA_HSM_Step2(void);

/* 读基本信息 by a web service: not supported, -13. */
long SSCARD_CALL iCommReadCardBas(const char *wsdlAddress, const char *userId, const char *password, const char *authKey, int iType, char *pOutInfo);

/* 通用读 by a web service: not supported, -13. */
long SSCARD_CALL iCommReadCard(const char *wsdlAddress, const char *userId, const char *password, const char *authKey, int iType, int iAuthType, const char *pCardInfo, const char *pFileAddr, char *pOutInfo);

/* 通用写 by a web service: not supported, -13. */
long SSCARD_CALL iCommWriteCard(const char *wsdlAddress, const char *userId, const char *password, const char *authKey, int iType, const char *pCardInfo, const char *pFileAddr, const char *pWriteData, char *pOutInfo);

/* 重置PIN by a web service: not supported, -13. */
long SSCARD_CALL iCommReloadPIN(const char *wsdlAddress, const char *userId, const char *password, const char *authKey, int iType, const char *pCardInfo, char *pOutInfo);

/* 解锁PIN by a web service: not supported, -13. */
long SSCARD_CALL iCommUnblockPIN(const char *wsdlAddress, const char *userId, const char *password, const char *authKey, int iType, const char *pCardInfo, char *pOutInfo);

/* 消费 by a web service: not supported, -13. */
long SSCARD_CALL iCommDoDebit(const char *wsdlAddress, const char *userId, const char *password, const char *authKey, int iType, const char *pCardInfo, const char *pPayInfo, char *pOutInfo);

/* 打开读写器: a handle; AUTO, USB1 and COM1 are the readers of the desk. */
long SSCARD_CALL ICC_Reader_Open(const char *dev_Name);

/* 关闭读写器. */
long SSCARD_CALL ICC_Reader_Close(int ReaderHandle);

/* 上电: the answer to reset and its length. Slot 0x01 the card, 0x11 the PSAM. */
long SSCARD_CALL ICC_Reader_pre_PowerOn(int ReaderHandle, unsigned char ICC_Slot_No, unsigned char *Response);

/* 发送指令: the answer with its status word and its length. */
long SSCARD_CALL ICC_Reader_Application(int ReaderHandle, unsigned char ICC_Slot_No, int Lenth_of_Command_APDU, const unsigned char *Command_APDU, unsigned char *Response_APDU);

/* 卡状态: 0 has power, -3 has none, -2 no card. */
long SSCARD_CALL ICC_Reader_GetStatus(int ReaderHandle, unsigned char ICC_Slot_No);

/* 取密码: as iPKBGetPIN. */
long SSCARD_CALL ICC_Reader_GetPass(int ReaderHandle, unsigned char ctime, unsigned char *rlen, char *cpass);

/* 读卡信息 (vendor): `sbjgbh~t…~n` and four more. */
long SSCARD_CALL SD_ReadCardInfo(int ReaderHandle, char *cardinfo);

/* 校验PIN (vendor): with the status word. */
long SSCARD_CALL SD_VerifyPin(int ReaderHandle, const char *PIN, short *Sw1Sw2);

/* 取密码 (vendor): as iPKBGetPIN. */
long SSCARD_CALL SD_GetInputPass(int ReaderHandle, unsigned char ctime, unsigned char *rlen, char *cpass);

#define SSCARD_CARD_TYPE (-1) /* 卡类型不对; not a social security card */
#define SSCARD_NO_CARD (-2) /* 无卡; no card */
#define SSCARD_NO_POWER (-3) /* 有卡未上电; the card has no power */
#define SSCARD_CARD_MUTE (-4) /* 卡无应答; the card does not answer */
#define SSCARD_LIBRARY (-5) /* 加载动态库错; a library could not be loaded */
#define SSCARD_READER (-11) /* 读卡器连接错; the reader cannot be used */
#define SSCARD_NOT_CONNECTED (-12) /* 未建立连接; no connection to the readers */
#define SSCARD_UNSUPPORTED (-13) /* 不支持该命令; the function is not supported */
#define SSCARD_ARGUMENT (-14) /* 命令参数错; an argument is wrong */
#define SSCARD_EXCHANGE (-15) /* 信息校验和出错; the exchange with the card broke off */
#define SSCARD_CARD_DATA (-20) /* 卡识别码或规范版本格式错; card identifier or specification version is malformed */
#define SSCARD_INTERNAL_AUTHENTICATION (-21) /* 内部认证失败，用户卡不合法; internal authentication failed: the card is not genuine */
#define SSCARD_OTHER_CARD (-22) /* 传入数据与卡内不符; the card is not the one that was named */
#define SSCARD_DATA_REFUSED (-23) /* 传入数据不合法; the data given is not acceptable */
#define SSCARD_PSAM_LEVEL (-24) /* PSAM卡密钥级别不够; the PSAM holds the key at a lower level */
#define SSCARD_NO_SUCH_ITEM (-25) /* 文件结构中无传入的文件名或数据项; no such file or item */
#define SSCARD_PIN_CANCELLED (-31) /* 用户取消密码输入; PIN entry was cancelled */
#define SSCARD_PIN_TIMEOUT (-32) /* 密码输入操作超时; PIN entry took too long */
#define SSCARD_PIN_LENGTH (-33) /* 输入密码长度错; the PIN has a wrong length */
#define SSCARD_PIN_DIFFERS (-34) /* 两次输入密码不一致; the two new PINs differ */
#define SSCARD_PIN_INITIAL (-35) /* 初始密码不能交易; the initial PIN cannot pay */
#define SSCARD_PIN_TO_INITIAL (-36) /* 不能改为初始密码; the PIN cannot be set to the initial one */
#define SSCARD_DATA_CHARACTER (-41) /* 运算数据含非法字符; a character does not belong in the data */
#define SSCARD_DATA_LENGTH (-42) /* 运算数据长度错; data of a wrong length */
#define SSCARD_PIN_WRONG (-51) /* PIN校验失败; wrong PIN */
#define SSCARD_PIN_BLOCKED (-52) /* PIN锁定; the PIN is blocked */
#define SSCARD_ATR (-80) /* 复位信息不合法; the answer to reset cannot be used */
#define SSCARD_UNKNOWN (-999) /* 未知错误; unknown fault */
#define SSCARD_NO_PSAM (-2201) /* 无PSAM卡; no PSAM */
#define SSCARD_PSAM_ALGORITHM (-2202) /* PSAM卡算法不支持; the PSAM does not know the card's algorithm */
#define SSCARD_PSAM_NO_KEY (-2203) /* PSAM卡内没有RKSSSE密钥; the PSAM has no key RKSSSE */
#define SSCARD_NO_HSM_NEEDED (-2204) /* 不需要加密机认证; no HSM authentication is needed */
#define SSCARD_JOURNAL (-3001) /* 终端日志不可用，未扣款; the terminal's journal cannot be used; nothing was debited */
#define SSCARD_RULE (-3002) /* 按规定不能受理，未扣款; a rule forbids it; nothing was debited */
#define SSCARD_UNCERTAIN (-3003) /* 扣款结果未知; whether the card was debited is not known */
#define SSCARD_SIGNATURE (-3004) /* 签名验证不通过; the signature does not verify */
#define SSCARD_CONSENT (-3005) /* 经办人未同意; the person at the counter did not agree */
#define SSCARD_EARLIER_PAID (-3006) /* 此卡上一笔消费查明已付，本次未扣款; an earlier purchase of this card turned out to be paid; nothing was debited now */
#define SSCARD_EARLIER_UNPAID (-3007) /* 此卡一笔被判定已付的消费实际未付，本次未扣款; an earlier purchase of this card that was judged paid was not; nothing was debited now */
#define SSCARD_SIGNED_OUT (-3008) /* 终端已签退，未扣款; the terminal has signed out; nothing was debited */
#define SSCARD_CLOCK (-3009) /* 终端时钟不对，未扣款; the terminal's clock is not right; nothing was debited */
#define SSCARD_GIVEN_BACK (-3010) /* 此笔消费已退费或撤销，本次未扣款; money of this purchase went back; nothing was debited now */
#define SSCARD_NOT_ALLOWED (-3011) /* 本机未开放此功能; the function is switched off here */

#ifdef __cplusplus
}
#endif

#endif
